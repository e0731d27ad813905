/** All origins as one: who is asked, and who next when the first cannot. */
import { UserError } from "../errors.ts";
import { log } from "../http/log.ts";
import { explain, OriginFault, remedy } from "./fault.ts";
import { JobLine } from "./job-line.ts";
import type { InferCall, Origin } from "./origin.ts";
import type { InferResponse } from "./protocol/index.ts";

/** How long a request waits before it asks busy origins again, at least. */
const BUSY_PAUSE_MS = 250;

/** Calls for jobs that this isolate has under way at once, for each origin: more would only fill memory and queues. */
const JOB_CALLS = 6;
/** So long jobs wait for origins that are down before they use up their tries: a restart, and three pauses of a breaker. */
const PATIENCE_MS = 20_000;

export class OriginPool {
  readonly #origins: readonly Origin[];
  readonly #line = new JobLine();
  /** When a job last saw an origin that was not left alone. */
  #wellAt = 0;

  constructor(origins: readonly Origin[]) {
    this.#origins = origins;
  }

  get size(): number {
    return this.#origins.length;
  }

  /**
   * Does a job's work when it is its turn, however long that takes: what is prepared for a call is large, so it is to be
   * prepared in here.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#line.take(JOB_CALLS * this.#origins.length, () => this.#worthTrying(), work);
  }

  /** Whether any origin that is not left alone has an extension of the protocol. */
  async has(extension: string, signal?: AbortSignal): Promise<boolean> {
    for (const origin of this.#origins) {
      if (origin.breaker.state === "closed" && (await origin.has(extension, signal))) return true;
    }
    return false;
  }

  /** A whole line of jobs must not try in vain, one after the other, what one question answers. */
  async #worthTrying(): Promise<boolean> {
    let well = this.#origins.some(({ breaker }) => breaker.state === "closed");
    for (const origin of this.#origins) well ||= origin.breaker.state === "trial" && (await origin.probe());
    if (well) this.#wellAt = Date.now();
    return well || Date.now() - this.#wellAt > PATIENCE_MS;
  }

  /**
   * Asks one origin after the other, the least busy first; when all are merely busy, again, as long as there is time.
   * @param check reads the answer and throws ProtocolError when it is none to this call
   * @throws OriginFault of the one that leaves most hope; the signal's reason when aborted.
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
    let fault: OriginFault | undefined;
    for (const origin of [...this.#origins].sort((a, b) => a.inFlight - b.inFlight)) {
      const { state } = origin.breaker;
      if (state === "open" || (state === "trial" && !(await origin.probe()))) {
        fault = hopeful(fault, new OriginFault("unreachable", `${origin.url}: paused after faults`));
        continue;
      }
      if (call.extension && !(await origin.has(call.extension, signal))) continue;
      const left = deadline - Date.now();
      if (left <= 0) break;
      try {
        return { result: await origin.infer(call, check, left, signal) };
      } catch (error) {
        if (!(error instanceof OriginFault)) throw error;
        log("warn", "origin-fault", { kind: error.kind, error: error.message });
        fault = hopeful(fault, error);
      }
    }
    return { fault: fault ?? new OriginFault("unreachable", "no origin could be asked") };
  }
}

/** What a caller is told when no origin could do it. */
export function unavailable(fault: OriginFault): UserError {
  return new UserError("ORIGIN_UNAVAILABLE", `This request needs an origin, and ${explain(fault)}: ${remedy(fault)}.`);
}

/** The one of two faults that leaves more hope: a busy origin can be asked again, one that does not fit never. */
function hopeful(one: OriginFault | undefined, other: OriginFault): OriginFault {
  if (!one || (!one.mayPass && other.mayPass)) return other;
  return one.kind === "busy" || !other.mayPass ? one : other;
}
