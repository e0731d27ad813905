/** All origins as one: who is asked, and who next when the first cannot. */
import { UserError } from "../errors.ts";
import { log } from "../http/log.ts";
import { explain, OriginFault } from "./fault.ts";
import type { InferCall, Origin } from "./origin.ts";
import type { InferResponse } from "./protocol/index.ts";

/** How long a request waits before it asks busy origins again, at least. */
const BUSY_PAUSE_MS = 250;

/** Calls for jobs that this isolate has under way at once, for each origin: more would only fill memory and queues. */
const JOB_CALLS = 6;
/** A slot held for longer was its holder's, who ended without a word. */
const SLOT_TTL_MS = 10 * 60_000;
const SLOT_LOOK_MS = 400;
/** How long a job's turn waits for paused origins, instead of using up one of its tries at once. */
const PAUSE_WAIT_MS = 10_000;

export class OriginPool {
  readonly #origins: readonly Origin[];
  readonly #slots = new Map<symbol, number>();

  constructor(origins: readonly Origin[]) {
    this.#origins = origins;
  }

  get size(): number {
    return this.#origins.length;
  }

  /**
   * Does a job's work when it is its turn, however long that takes: what is prepared for a call is large, so it is to be
   * prepared in here. Looks for a free slot from time to time, since no request of a Worker can wake another.
   */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const arrived = Date.now();
    for (;;) {
      const now = Date.now();
      for (const [slot, since] of this.#slots) if (now - since > SLOT_TTL_MS) this.#slots.delete(slot);
      const paused = this.#origins.every(({ breaker }) => breaker.state === "open");
      const free = this.#slots.size < JOB_CALLS * this.#origins.length;
      if (free && (!paused || now - arrived > PAUSE_WAIT_MS)) break;
      await new Promise((resolve) => setTimeout(resolve, SLOT_LOOK_MS * (0.5 + Math.random())));
    }
    const slot = Symbol();
    this.#slots.set(slot, Date.now());
    try {
      return await work();
    } finally {
      this.#slots.delete(slot);
    }
  }

  /**
   * Asks one origin after the other, the least busy first; when all are merely busy, again, as long as there is time.
   * @param check reads the answer and throws ProtocolError when it is none to this call
   * @throws OriginFault of the last one asked; the signal's reason when aborted.
   */
  async infer<T>(
    call: InferCall,
    check: (answer: InferResponse) => T,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const outcome = await this.#round(call, check, deadline, signal);
      if ("result" in outcome) return outcome.result;
      const { fault } = outcome;
      const pause = Math.max(BUSY_PAUSE_MS, fault.retryAfterMs ?? 0);
      if (fault.kind !== "busy" || Date.now() + pause >= deadline) throw fault;
      await new Promise((resolve) => setTimeout(resolve, pause));
      signal?.throwIfAborted();
    }
  }

  async #round<T>(
    call: InferCall,
    check: (answer: InferResponse) => T,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<{ result: T } | { fault: OriginFault }> {
    let fault = new OriginFault("unreachable", "every origin is paused after faults");
    for (const origin of [...this.#origins].sort((a, b) => a.inFlight - b.inFlight)) {
      const { state } = origin.breaker;
      if (state === "open" || (state === "trial" && !(await origin.probe()))) continue;
      const left = deadline - Date.now();
      if (left <= 0) break;
      try {
        return { result: await origin.infer(call, check, left, signal) };
      } catch (error) {
        if (!(error instanceof OriginFault)) throw error;
        log("warn", "origin-fault", { kind: error.kind, error: error.message });
        // A busy one decides: there is hope in asking it again.
        if (fault.kind !== "busy") fault = error;
      }
    }
    return { fault };
  }
}

/** What a caller is told when no origin could do it. */
export function unavailable({ kind }: OriginFault): UserError {
  const hint =
    kind === "slow" || kind === "busy"
      ? "submit it as a job with `submitCompletion`, which waits."
      : "try again later.";
  const message = `It needs the origin, and ${explain(kind)}: ${hint}`;
  return new UserError("ORIGIN_UNAVAILABLE", message);
}
