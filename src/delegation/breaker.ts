/** After so many faults one after another an origin is left alone. */
const FAULTS = 3;
/** For so long at first, and twice as long after each trial that fails. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

export type BreakerState = "closed" | "open" | "trial";

/**
 * A circuit breaker of one origin, in one isolate. Libraries let requests wait for another's trial; in a Worker no request
 * may wait for another's promise, so here who comes during a pause is turned away, and the first one after it tries.
 */
export class Breaker {
  #faults = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #openUntil = 0;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** open: leave it alone. trial: the pause is over, find out whether it is well again. */
  get state(): BreakerState {
    if (this.#faults < FAULTS) return "closed";
    return this.#now() < this.#openUntil ? "open" : "trial";
  }

  /** Whoever makes the trial takes it: until it has ended the others are turned away. */
  beginTrial(longestMs: number): void {
    this.#openUntil = this.#now() + longestMs;
  }

  /** @param well false: the next pause is twice as long. true: it is used again, and left alone after one more fault */
  endTrial(well: boolean): void {
    if (well) {
      this.#faults = FAULTS - 1;
      return;
    }
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#openUntil = this.#now() + this.#pauseMs;
  }

  succeeded(): void {
    this.#faults = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  /** Calls that were under way when the pause began fail together: they are one fault's news, and don't lengthen it. */
  failed(): void {
    if (this.#faults >= FAULTS) return;
    this.#faults++;
    if (this.#faults === FAULTS) this.#openUntil = this.#now() + this.#pauseMs;
  }
}
