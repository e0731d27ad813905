/**
 * One isolate has one thread: requests take turns, one row or prefix chunk each. Before each turn the event loop is
 * given a chance (a timer of the request's own), so rows already made are sent and new requests are read; timers fire in
 * the order they were set, which makes it a round robin. No request waits for a promise of another (see admission/line.ts).
 */

/** A turn that is still open after so many looks, each a trip round the event loop, belongs to a request that is gone. */
const ABANDONED_AFTER_LOOKS = 2_000;

export class Turns {
  #current: symbol | undefined;

  /**
   * Runs one turn of a request when it is its time.
   * @throws what `turn` throws; the signal's reason when aborted before the turn began.
   */
  async take<T>(turn: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const mine = Symbol();
    await nextLoop();
    // Engines compute synchronously, so a busy turn is seldom met: this keeps one that awaits in mid-turn from being
    // interleaved with another. No await may stand between the last look and taking the turn.
    for (let looks = 0, seen = this.#current; this.#current && looks < ABANDONED_AFTER_LOOKS; looks++) {
      await nextLoop();
      if (this.#current !== seen) looks = 0;
      seen = this.#current;
    }
    signal?.throwIfAborted();
    this.#current = mine;
    try {
      return await turn();
    } finally {
      if (this.#current === mine) this.#current = undefined;
    }
  }
}

function nextLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
