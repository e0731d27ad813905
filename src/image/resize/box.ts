import type { Square } from "./crop.ts";

/** A picture that is small enough to be filtered, and which part of it is wanted (in its pixels, fractions allowed). */
export interface Reduced {
  width: number;
  height: number;
  /** [height, width, 3], 0..255. */
  rgb: Float32Array;
  box: Square;
}

/**
 * The wanted square keeps at least this many pixels a side: eight for each of a 32x32 picture's, four of a 64x64 one's. Pillow
 * calls three indistinguishable from filtering all of them.
 */
export const KEPT_SIDE = 256;

/**
 * Averages k x k pixels into one while rows come in, in any order, so that a picture is never whole in memory. With a
 * good filter after it the result is what that filter alone would give ("reducing gap" of Pillow's thumbnail()).
 */
export class BoxReducer {
  readonly #k: number;
  readonly #left: number;
  readonly #top: number;
  readonly #right: number;
  readonly #bottom: number;
  readonly #width: number;
  readonly #height: number;
  readonly #sums: Float32Array;
  readonly #wanted: Square;

  /**
   * @param width,height Of the pixels that will come.
   * @param wanted The square that is needed, in their coordinates; fractions when they are a reduced picture already.
   */
  constructor(width: number, height: number, wanted: Square) {
    this.#wanted = wanted;
    this.#left = Math.max(0, Math.floor(wanted.left));
    this.#top = Math.max(0, Math.floor(wanted.top));
    this.#right = Math.min(width, Math.ceil(wanted.left + wanted.side));
    this.#bottom = Math.min(height, Math.ceil(wanted.top + wanted.side));
    this.#k = Math.max(1, Math.floor(wanted.side / KEPT_SIDE));
    this.#width = Math.ceil((this.#right - this.#left) / this.#k);
    this.#height = Math.ceil((this.#bottom - this.#top) / this.#k);
    this.#sums = new Float32Array(this.#width * this.#height * 3);
  }

  /** Rows at `last` and after are not needed. */
  get last(): number {
    return this.#bottom;
  }

  /** Whether row y is needed at all. */
  wants(y: number): boolean {
    return y >= this.#top && y < this.#bottom;
  }

  /** Adds pixels `first, first + step, ...` of row y. rgb: [count, 3]. */
  add(y: number, rgb: Uint8Array | Float32Array, count: number, first = 0, step = 1): void {
    if (!this.wants(y)) return;
    const k = this.#k;
    const sums = this.#sums;
    const row = Math.floor((y - this.#top) / k) * this.#width;
    const from = Math.max(0, Math.ceil((this.#left - first) / step));
    for (let i = from; i < count; i++) {
      const x = first + i * step;
      if (x >= this.#right) break;
      const to = (row + Math.floor((x - this.#left) / k)) * 3;
      sums[to] = (sums[to] as number) + (rgb[i * 3] as number);
      sums[to + 1] = (sums[to + 1] as number) + (rgb[i * 3 + 1] as number);
      sums[to + 2] = (sums[to + 2] as number) + (rgb[i * 3 + 2] as number);
    }
  }

  /** The averages; the reducer is spent afterwards. */
  finish(): Reduced {
    const k = this.#k;
    const sums = this.#sums;
    for (let y = 0; y < this.#height; y++) {
      const rows = Math.min(k, this.#bottom - this.#top - y * k);
      for (let x = 0; x < this.#width; x++) {
        const pixels = rows * Math.min(k, this.#right - this.#left - x * k);
        const at = (y * this.#width + x) * 3;
        for (let c = at; c < at + 3; c++) sums[c] = (sums[c] as number) / pixels;
      }
    }
    const box = {
      left: (this.#wanted.left - this.#left) / k,
      top: (this.#wanted.top - this.#top) / k,
      side: this.#wanted.side / k,
    };
    return { width: this.#width, height: this.#height, rgb: sums, box };
  }
}
