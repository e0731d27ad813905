import type { BudgetLease } from "../../admission/budget.ts";
import { UserError } from "../../errors.ts";
import type { Turns, TurnTaker } from "../../scheduling/turns.ts";
import type { Engine } from "../engine.ts";
import type { Session } from "../session.ts";

/** A request's session on a pooled engine: its memory, what it has open in the engine, its turns. */
export class PooledSession implements Session {
  readonly engine: Engine;
  readonly #lease: BudgetLease;
  readonly #turns: TurnTaker;
  readonly #owned: { release(): void }[] = [];
  readonly #onRelease: () => void;
  #released = false;

  constructor(engine: Engine, lease: BudgetLease, turns: Turns, onRelease: () => void, signal?: AbortSignal) {
    this.engine = engine;
    this.#lease = lease;
    this.#turns = turns.taker(signal);
    this.#onRelease = onRelease;
  }

  turn<T>(work: () => Promise<T>): Promise<T> {
    this.#lease.touch();
    return this.#turns.take(async () => {
      if (this.#released) throw tooSlow();
      return await work();
    });
  }

  /** Says that a reader is about to be given something: it is sent before the next turn. */
  flush(): void {
    this.#turns.flush();
  }

  own<T extends { release(): void }>(resource: T): T {
    if (this.#released) {
      resource.release();
      throw tooSlow();
    }
    this.#owned.push(resource);
    return resource;
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    // Generations before the prefix that they continue.
    for (const resource of this.#owned.reverse()) resource.release();
    this.#lease.release();
    this.#onRelease();
  }
}

/** The lease was taken back while the request lived on: its reader left it standing for longer than a lease lasts. */
function tooSlow(): UserError {
  return new UserError(
    "BUSY",
    "Your client read the rows too slowly while other requests were waiting. Try again, and read without pauses.",
  );
}
