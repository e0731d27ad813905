/** A place held for longer was its holder's, who ended without a word. */
const HELD_MS = 10 * 60_000;
/** Between two looks of those in front, about. */
const LOOK_MS = 400;
/** How much later each one looks than the one before it: so a long line costs no more than a short one. */
const LOOK_LATER_MS = 20;
const LONGEST_LOOK_MS = 10_000;
/** Who has not looked for so long is not there any more. */
const GONE_MS = 4 * LONGEST_LOOK_MS;

/**
 * A line in front of a few places, of work that may wait for long. No request of a Worker can wake another, so each one
 * looks from time to time whether it is its turn; and whoever is gone must not be waited for.
 */
export class JobLine {
  /** Places that are held -> since when. */
  readonly #held = new Map<symbol, number>();
  /** Who waits, in the order of arrival -> when it last looked. */
  readonly #line = new Map<symbol, number>();

  /**
   * Does the work when it is its turn, however long that takes.
   * @param places how many may work at once
   * @param open asked by whoever has a place in view; false: nobody's turn comes
   */
  async take<T>(places: number, open: () => Promise<boolean>, work: () => Promise<T>): Promise<T> {
    const self = Symbol();
    for (;;) {
      const now = Date.now();
      this.#forgetTheGone(now);
      this.#line.set(self, now);
      const position = [...this.#line.keys()].indexOf(self);
      // Not the very first alone: a place would be empty until that one looks.
      const isNear = position < 2 * places && this.#held.size < places;
      if (isNear && (await open()) && this.#held.size < places) break;
      const pause = Math.min(LOOK_MS + position * LOOK_LATER_MS, LONGEST_LOOK_MS);
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
    this.#line.delete(self);
    this.#held.set(self, Date.now());
    try {
      return await work();
    } finally {
      this.#held.delete(self);
    }
  }

  #forgetTheGone(now: number): void {
    for (const [holder, since] of this.#held) if (now - since > HELD_MS) this.#held.delete(holder);
    for (const [waiter, looked] of this.#line) if (now - looked > GONE_MS) this.#line.delete(waiter);
  }
}
