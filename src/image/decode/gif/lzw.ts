import { damaged, truncated } from "../../problems.ts";

const MOST_BITS = 12;
const CODES = 1 << MOST_BITS;

/**
 * Unpacks GIF's LZW (GIF89a, appendix F), value after value.
 * @param blocks The data's sub-blocks, in order.
 * @param minimum Bits of a value, 1..8 (2..8 by the specification; some programs write 1).
 * @param values How many are wanted.
 * @throws UserError BAD_IMAGE when there are fewer, or one that no code stands for.
 */
export function unpack(
  blocks: readonly Uint8Array[],
  minimum: number,
  values: number,
  write: (value: number) => void,
): void {
  const clear = 1 << minimum;
  const end = clear + 1;
  // A code is another one and a value after it.
  const before = new Uint16Array(CODES);
  const last = new Uint8Array(CODES);
  for (let code = 0; code < clear; code++) last[code] = code;
  const stack = new Uint8Array(CODES + 1);
  const bits = new BitReader(blocks);
  let next = end + 1;
  let width = minimum + 1;
  let previous = -1;
  let first = 0;
  for (let written = 0; written < values; ) {
    const code = bits.read(width);
    if (code === clear) {
      next = end + 1;
      width = minimum + 1;
      previous = -1;
      continue;
    }
    if (code < 0 || code === end) throw truncated("GIF");
    if (code > next || (code === next && previous < 0)) throw damaged("GIF");
    let depth = 0;
    let at = code;
    // A code that is about to be made: the one before it and its own first value.
    if (code === next) {
      stack[depth++] = first;
      at = previous;
    }
    for (; at >= clear; at = before[at] as number) stack[depth++] = last[at] as number;
    first = last[at] as number;
    stack[depth++] = first;
    while (depth > 0 && written < values) {
      write(stack[--depth] as number);
      written++;
    }
    if (previous >= 0 && next < CODES) {
      before[next] = previous;
      last[next++] = first;
      if (next === 1 << width && width < MOST_BITS) width++;
    }
    previous = code;
  }
}

/** Bits of the sub-blocks, least significant first. */
class BitReader {
  readonly #blocks: readonly Uint8Array[];
  #block = 0;
  #at = 0;
  #buffer = 0;
  #left = 0;

  constructor(blocks: readonly Uint8Array[]) {
    this.#blocks = blocks;
  }

  /** -1 where the data ends. */
  read(width: number): number {
    while (this.#left < width) {
      const byte = this.#next();
      if (byte === undefined) return -1;
      this.#buffer |= byte << this.#left;
      this.#left += 8;
    }
    const value = this.#buffer & ((1 << width) - 1);
    this.#buffer >>>= width;
    this.#left -= width;
    return value;
  }

  #next(): number | undefined {
    while (this.#at >= (this.#blocks[this.#block]?.length ?? 0)) {
      if (this.#block >= this.#blocks.length) return undefined;
      this.#block++;
      this.#at = 0;
    }
    return this.#blocks[this.#block]?.[this.#at++];
  }
}
