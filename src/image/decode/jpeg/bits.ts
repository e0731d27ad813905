import { damaged } from "../../problems.ts";

/** Bits of entropy-coded data (ITU T.81, section F.2.2.5), most significant first; a stuffed 0 after 0xff is left out. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #buffer = 0;
  #left = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  /** @throws UserError BAD_IMAGE where the data ends or a marker begins. */
  bit(): number {
    if (this.#left === 0) {
      this.#buffer = this.#nextByte();
      this.#left = 8;
    }
    this.#left--;
    return (this.#buffer >> this.#left) & 1;
  }

  /** An unsigned number of up to 16 bits. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = (value << 1) | this.bit();
    return value;
  }

  /** Goes past a restart marker: what is left of the last byte is padding. */
  restart(): void {
    this.#left = 0;
    const marker = this.#bytes[this.#at + 1] ?? 0;
    if (this.#bytes[this.#at] !== 0xff || marker < 0xd0 || marker > 0xd7) throw damaged("JPEG");
    this.#at += 2;
  }

  #nextByte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged("JPEG");
    if (byte === 0xff && this.#bytes[this.#at++] !== 0) throw damaged("JPEG");
    return byte;
  }
}
