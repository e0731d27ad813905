import { damaged } from "../../problems.ts";
import type { BitReader } from "./bits.ts";

/** A Huffman table as DHT gives it (ITU T.81, annex C and section F.2.2.3). */
export class HuffmanTable {
  /** By length 1..16: the first code, the first code past the last, and the index of the first one's symbol. */
  readonly #first = new Int32Array(17);
  readonly #end = new Int32Array(17);
  readonly #index = new Int32Array(17);
  readonly #symbols: Uint8Array;

  /** @param counts [16] how many codes there are of each length. */
  constructor(counts: Uint8Array, symbols: Uint8Array) {
    this.#symbols = symbols;
    let code = 0;
    let index = 0;
    for (let length = 1; length <= 16; length++) {
      const count = counts[length - 1] as number;
      this.#first[length] = code;
      this.#end[length] = code + count;
      this.#index[length] = index;
      index += count;
      code = (code + count) << 1;
    }
  }

  /** The next symbol. @throws UserError BAD_IMAGE for a code that the table has not. */
  read(bits: BitReader): number {
    let code = 0;
    for (let length = 1; length <= 16; length++) {
      code = (code << 1) | bits.bit();
      if (code < (this.#end[length] as number)) {
        const symbol = this.#symbols[(this.#index[length] as number) + code - (this.#first[length] as number)];
        if (symbol === undefined) throw damaged("JPEG");
        return symbol;
      }
    }
    throw damaged("JPEG");
  }
}

/** Of AC coefficients, added to a table's number; those of DC have the number alone. */
export const AC = 0x10;

/** Adds the tables of a DHT segment, by class and number (section B.2.4.2). */
export function readHuffman(content: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let at = 0; at + 17 <= content.length; ) {
    const counts = content.subarray(at + 1, at + 17);
    const symbols = counts.reduce((a, b) => a + b, 0);
    tables.set(content[at] as number, new HuffmanTable(counts, content.subarray(at + 17, at + 17 + symbols)));
    at += 17 + symbols;
  }
}
