/** After so many faults one after another an origin is left alone. */
const FAULTS = 3;
/** For so long at first, and twice as long after each trial that fails. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

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

  succeeded(): void {
    this.#faults = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  failed(): void {
    this.#faults++;
    if (this.#faults < FAULTS) return;
    if (this.#faults > FAULTS) this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#openUntil = this.#now() + this.#pauseMs;
  }
}
