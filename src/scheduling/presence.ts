/** Which requests are in the isolate: one that is alone has nobody to leave the thread to. */

/** Who has been here for longer either computes, and shows by its turns, or ended without a word. */
const LONGEST_MS = 10_000;

export class Presence {
  /** When each came. */
  readonly #since = new Map<object, number>();
  readonly #now: () => number;

  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** @param who any object that stands for the request */
  enter(who: object): void {
    this.#since.set(who, this.#now());
  }

  /** Idempotent. */
  leave(who: object): void {
    this.#since.delete(who);
  }

  /** Whether no other request is here. @param who undefined: work that belongs to none, such as a job's */
  isAlone(who: object | undefined): boolean {
    const before = this.#now() - LONGEST_MS;
    for (const [other, since] of this.#since) {
      if (other === who) continue;
      if (since >= before) return false;
      this.#since.delete(other);
    }
    return true;
  }
}
