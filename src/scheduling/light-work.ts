/**
 * Light work: requests that take a thread's milliseconds and many trips round the event loop, such as thumbnails. Long
 * work waits for it between turns (turns.ts), or each of those trips would cost a thumbnail somebody's whole turn.
 */

/** Work that is still open after so long is not light, or belongs to a request that ended without a word. */
const LONGEST_MS = 10_000;

export class LightWork {
  /** When each began. */
  readonly #open = new Set<{ since: number }>();
  readonly #now: () => number;
  #steps = 0;
  #steppedAt = Number.NEGATIVE_INFINITY;

  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** Counts up with each sign of life: what only waits, for a bucket far away, is not worth waiting for. */
  get steps(): number {
    return this.#steps;
  }

  /** When the last sign of life came after which more light work is to be expected, in milliseconds. */
  get steppedAt(): number {
    return this.#steppedAt;
  }

  /** Whether some is under way. */
  get underWay(): boolean {
    const before = this.#now() - LONGEST_MS;
    for (const work of this.#open) if (work.since < before) this.#open.delete(work);
    return this.#open.size > 0;
  }

  /** Says that light work got on: that something it waited for is there. */
  step(): void {
    this.#steps++;
    this.#steppedAt = this.#now();
  }

  /** Does light work. @param more whether it is a sign of more to come: thumbnails seldom come alone */
  async do<T>(work: () => Promise<T>, { more = true } = {}): Promise<T> {
    const entry = { since: this.#now() };
    const step = () => (more ? this.step() : this.#steps++);
    this.#open.add(entry);
    step();
    try {
      return await work();
    } finally {
      this.#open.delete(entry);
      step();
    }
  }
}
