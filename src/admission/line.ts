/**
 * First come, first served, across requests. Every waiter looks by a timer of its own whether it is its turn and never
 * awaits another request's promise: the Workers runtime cancels a request that does only that, and when a client
 * disconnects, its request may end without so much as a `finally`, so nobody could be relied on to wake the next.
 */
import { UserError } from "../errors.ts";

export interface LineOptions {
  /** Requests that may wait at once; one more is BUSY. */
  maxWaiting: number;
  /** The longest wait before BUSY, in milliseconds. */
  maxWaitMs: number;
}

/** How often a waiter looks. */
const LOOK_MS = 10;
/** A waiter ahead that has not looked while everybody else did so many times is gone with its request. */
const MISSED_LOOKS = 100;

interface Waiter {
  lookedAt: number;
}

export class Line {
  readonly #options: LineOptions;
  readonly #waiters: Waiter[] = [];
  #looks = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /**
   * Calls `claim` when everybody who came before has been served, again and again until it returns something.
   * @param claim takes what is wanted, whole and synchronously, or returns undefined and leaves everything as it was.
   * @throws UserError BUSY; the signal's reason when aborted; what `claim` throws.
   */
  async wait<T>(claim: () => T | undefined, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#waiters.length === 0) {
      const claimed = claim();
      if (claimed !== undefined) return claimed;
    }
    if (this.#waiters.length >= this.#options.maxWaiting) throw busy();
    const waiter: Waiter = { lookedAt: this.#looks };
    this.#waiters.push(waiter);
    const deadline = Date.now() + this.#options.maxWaitMs;
    try {
      for (;;) {
        await sleep(LOOK_MS);
        signal?.throwIfAborted();
        waiter.lookedAt = ++this.#looks;
        this.#dropTheGone();
        if (this.#waiters[0] === waiter) {
          const claimed = claim();
          if (claimed !== undefined) return claimed;
        }
        if (Date.now() >= deadline) throw busy();
      }
    } finally {
      this.#leave(waiter);
    }
  }

  #dropTheGone(): void {
    const allowed = MISSED_LOOKS * this.#waiters.length;
    while (this.#waiters[0] && this.#looks - this.#waiters[0].lookedAt > allowed) this.#waiters.shift();
  }

  #leave(waiter: Waiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at >= 0) this.#waiters.splice(at, 1);
  }
}

function busy(): UserError {
  return new UserError(
    "BUSY",
    "Too many requests are running here right now. Try again in a few seconds, or ask for fewer samples.",
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
