/**
 * One isolate has one thread: requests that compute for long take turns, first come, first served, a row, a prefix chunk
 * or a piece of a picture each. Between any two turns the event loop goes round at least once, so rows already made are
 * sent and new requests are read. No request waits for a promise of another (see admission/line.ts): each looks by a
 * timer of its own whether it is its turn.
 *
 * A trip round the loop costs more than a millisecond, whether or not anybody has come. A request that is alone in the
 * isolate therefore takes several turns between two trips.
 */
import { LightWork } from "./light-work.ts";

/** A turn that is still open after so many looks, each a trip round the event loop, belongs to a request that is gone. */
const ABANDONED_AFTER_LOOKS = 2_000;
/** A waiter ahead that has not looked while all the others did so many times is gone with its request. */
const MISSED_LOOKS = 100;

/** Light work may have so many times the thread that the last turn had: turns keep a third of it, whatever comes. */
const LIGHT_SHARE = 2;
/** And never more than so long, in milliseconds: how long a turn took is known only when the next one is wanted. */
const LONGEST_WAIT_MS = 500;
/** Light work that gives no sign of life for so many trips waits for something far away, and is not waited for. */
const QUIET_TRIPS = 4;
/** After light work in the last so many milliseconds more is expected: what came during a turn has yet to be read. */
const EXPECTED_MS = 1_000;
/** Trips without light work after which none is there: one to read a request from the network, one for it to begin. */
const ARRIVAL_TRIPS = 2;
/**
 * Turns that a request which is alone takes between two trips: about as long as the decoding of a large JPEG, the longest of
 * other turns. The first that comes beside it waits for so long, those after it for one turn.
 */
const LONE_TURNS = 8;

interface Waiter {
  /** `#looks` when it last looked. */
  lookedAt: number;
}

export interface TurnsOptions {
  /** What goes first. */
  light?: LightWork;
  /** Whether the request that is asking is the only one in the isolate, whatever it is at. */
  isAlone?: () => boolean;
  /** Milliseconds. A Worker's clock stands still while it computes and moves with each trip round the event loop. */
  now?: () => number;
  /** Resolves when the event loop has gone round. */
  nextLoop?: () => Promise<void>;
}

/** What one request takes its turns by, one after another. */
export interface TurnTaker {
  /** As `Turns.take`. */
  take<T>(turn: () => T | Promise<T>): Promise<T>;
  /** Lets the event loop go round before the next turn: something is to be sent. */
  flush(): void;
}

export class Turns {
  readonly #light: LightWork;
  readonly #isAlone: () => boolean;
  readonly #now: () => number;
  readonly #nextLoop: () => Promise<void>;
  readonly #waiting: Waiter[] = [];
  #looks = 0;
  #current: symbol | undefined;
  /** Looks of whoever is next while `#current` is open. */
  #looksAtCurrent = 0;
  #taken = 0;
  #startedAt = 0;
  /** What the last turn took, in milliseconds; 0 = not known yet: on Cloudflare the clock shows it a trip later. */
  #tookMs = 0;
  /** Until when light work may be waited for. */
  #waitUntil: number | undefined = 0;
  /** The latest trips since the last turn that were without a sign of life of light work, and its steps then. */
  #quiet = 0;
  #steps = 0;

  constructor({ light = new LightWork(), isAlone = () => false, now = Date.now, nextLoop = timer }: TurnsOptions = {}) {
    this.#light = light;
    this.#isAlone = isAlone;
    this.#now = now;
    this.#nextLoop = nextLoop;
  }

  /**
   * Runs one turn of a request when it is its time.
   * @throws what `turn` throws; the signal's reason when aborted before the turn began.
   */
  async take<T>(turn: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#untilNext(signal);
    return this.#run(turn);
  }

  /** For a request that takes more than one. */
  taker(signal?: AbortSignal): TurnTaker {
    let left = 0;
    return {
      take: async (turn) => {
        if (left > 0 && this.#alone()) left--;
        else {
          await this.#untilNext(signal);
          left = this.#alone() ? LONE_TURNS - 1 : 0;
        }
        return this.#run(turn);
      },
      flush: () => {
        left = 0;
      },
    };
  }

  /** Nobody else is there, and nothing light to be expected. */
  #alone(): boolean {
    const nobody = this.#isAlone() && !this.#waiting[0] && !this.#current;
    return nobody && this.#now() - this.#light.steppedAt >= EXPECTED_MS;
  }

  async #run<T>(turn: () => T | Promise<T>): Promise<T> {
    const mine = Symbol();
    this.#current = mine;
    this.#looksAtCurrent = 0;
    this.#taken++;
    this.#startedAt = this.#now();
    this.#waitUntil = undefined;
    try {
      return await turn();
    } finally {
      this.#tookMs = this.#now() - this.#startedAt;
      if (this.#current === mine) this.#current = undefined;
    }
  }

  /** No await may stand between the look that succeeds and taking the turn. */
  async #untilNext(signal?: AbortSignal): Promise<void> {
    const waiter: Waiter = { lookedAt: this.#looks };
    this.#waiting.push(waiter);
    try {
      for (;;) {
        const taken = this.#taken;
        await this.#nextLoop();
        signal?.throwIfAborted();
        waiter.lookedAt = ++this.#looks;
        // Passed over as gone, and here after all.
        if (!this.#waiting.includes(waiter)) this.#waiting.push(waiter);
        this.#dropTheGone();
        // A turn since this timer was set: the loop has not gone round after it.
        if (this.#waiting[0] === waiter && this.#taken === taken && this.#isFree() && !this.#lightGoesFirst()) return;
      }
    } finally {
      const at = this.#waiting.indexOf(waiter);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
  }

  /** Engines compute synchronously, so a busy turn is seldom met: this keeps one that awaits from being interleaved. */
  #isFree(): boolean {
    if (this.#current && ++this.#looksAtCurrent < ABANDONED_AFTER_LOOKS) return false;
    this.#current = undefined;
    return true;
  }

  /** Asked once a trip, by whoever is next. */
  #lightGoesFirst(): boolean {
    const now = this.#now();
    if (this.#waitUntil === undefined) {
      const took = this.#tookMs || now - this.#startedAt;
      this.#waitUntil = this.#startedAt + took + Math.min(LONGEST_WAIT_MS, LIGHT_SHARE * took);
      this.#quiet = 0;
    }
    const { steps, steppedAt, underWay } = this.#light;
    this.#quiet = steps === this.#steps ? this.#quiet + 1 : 0;
    this.#steps = steps;
    const expected = now - steppedAt < EXPECTED_MS ? ARRIVAL_TRIPS : 0;
    return now < this.#waitUntil && this.#quiet < (underWay ? QUIET_TRIPS : expected);
  }

  #dropTheGone(): void {
    const allowed = MISSED_LOOKS * this.#waiting.length;
    while (this.#waiting[0] && this.#looks - this.#waiting[0].lookedAt > allowed) this.#waiting.shift();
  }
}

function timer(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
