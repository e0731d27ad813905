/**
 * What candidates have in common: copies share what was computed before they parted. Without a bound they might all differ
 * from the first position on, and need that much memory. So there is one, and a filter thins its candidates out to keep to
 * it. It is a rule of the filter and not of a machine's memory: samples must be the same everywhere.
 */

/** Positions that are shared or copied as one. Engines with pages have pages of as many. */
const BLOCK = 64;
/** Blocks a candidate, in the mean over all, beside one lineage from the first position to the last. */
const BLOCKS_EACH = 4;

/**
 * Blocks that candidates hold at most beside their prefix, all of them together.
 * @param given positions of the prefix @param positions of a whole picture
 */
export function mostBlocks(candidates: number, given: number, positions: number): number {
  return candidates * BLOCKS_EACH + Math.ceil(positions / BLOCK) - Math.floor(given / BLOCK);
}

/** The same in positions. */
export function mostPositions(candidates: number, given: number, positions: number): number {
  return mostBlocks(candidates, given, positions) * BLOCK;
}

export class Lineage {
  /** The first block that is not the prefix's alone. */
  readonly #first: number;
  readonly #most: number;
  #position: number;
  /** [candidates][blocks from the first on]: equal numbers are the same block. */
  #blocks: number[][];
  #made = 0;

  /** @param start the first generated position @param positions of a whole picture */
  constructor(candidates: number, start: number, positions: number) {
    this.#position = start;
    this.#first = Math.floor(start / BLOCK);
    this.#most = mostBlocks(candidates, start, positions);
    this.#blocks = Array.from({ length: candidates }, () => (start % BLOCK === 0 ? [] : [this.#made++]));
  }

  /** Blocks that are held now. */
  get held(): number {
    return new Set(this.#blocks.flat()).size;
  }

  /** All candidates have come to `position`. */
  advance(position: number): void {
    const count = Math.ceil(position / BLOCK) - this.#first;
    for (const blocks of this.#blocks) while (blocks.length < count) blocks.push(this.#made++);
    this.#position = position;
  }

  /**
   * Whether the bound allows going on to `position`.
   * @param ancestors whose copies the candidates become before; none: they stay as they are
   */
  allows(position: number, ancestors?: Int32Array): boolean {
    const more = Math.ceil(position / BLOCK) - Math.ceil(this.#position / BLOCK);
    const held = ancestors ? new Set(this.#resampled(ancestors).flat()).size : this.held;
    return held + more * this.#blocks.length <= this.#most;
  }

  resample(ancestors: Int32Array): void {
    this.#blocks = this.#resampled(ancestors);
  }

  /** Copies share what is full; the block in which they are is copied, for they go on in it. */
  #resampled(ancestors: Int32Array): number[][] {
    const seen = new Set<number>();
    const full = Math.floor(this.#position / BLOCK) - this.#first;
    return Array.from(ancestors, (ancestor) => {
      const blocks = this.#blocks[ancestor] ?? [];
      const again = seen.has(ancestor);
      seen.add(ancestor);
      return blocks.map((block, i) => (again && i >= full ? this.#made++ : block));
    });
  }
}
