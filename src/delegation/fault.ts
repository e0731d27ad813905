/**
 * What an origin did wrong.
 * - unreachable: no connection, or it broke off
 * - slow: no answer within the time that there was
 * - busy: 503 or 429, it says so itself
 * - failing: another 5xx
 * - refusing: a 4xx: our credentials, or what stands between us and it
 * - missing: it has not this model in this version
 * - misfit: it calls a request for this model wrong (400, 422): what it serves under that name is not the bucket's bundle
 * - garbled: an answer that is not the protocol's, or not one to what was asked
 */
export type FaultKind = "unreachable" | "slow" | "busy" | "failing" | "refusing" | "missing" | "misfit" | "garbled";

interface FaultOptions extends ErrorOptions {
  retryAfterMs?: number;
  bundle?: string;
}

/** An origin could not do it; another one may. Its message is for the log: it names hosts. */
export class OriginFault extends Error {
  override readonly name = "OriginFault";
  /** When a busy origin wants to be asked again. */
  readonly retryAfterMs: number | undefined;
  /** The model and version that were asked for, for people to read. */
  readonly bundle: string | undefined;

  constructor(
    readonly kind: FaultKind,
    message: string,
    options?: FaultOptions,
  ) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
    this.bundle = options?.bundle;
  }

  /** Whether it says that the origin is unwell; a busy one is not, nor one that has another model. */
  get counts(): boolean {
    return this.kind !== "busy" && this.kind !== "missing" && this.kind !== "misfit";
  }

  /** Whether the same request may go better later, with nobody's help. */
  get mayPass(): boolean {
    return this.kind !== "misfit";
  }
}

/** What a caller is told of it. */
export function explain({ kind, bundle }: OriginFault): string {
  switch (kind) {
    case "unreachable":
      return "the origin cannot be reached";
    case "slow":
      return "the origin did not respond in time";
    case "busy":
      return "the origin is busy";
    case "failing":
      return "the origin reported an error of its own";
    case "refusing":
      return "the origin refused the request";
    case "missing":
      return "the origin does not have this version of the model";
    case "misfit":
      return `the origin does not fit the bundle of ${bundle ?? "this model"}: it rejects requests for that model as wrong`;
    case "garbled":
      return "the origin sent a response that the Worker cannot use";
  }
}

/** What they can do about it: the end of a sentence. */
export function remedy({ kind }: OriginFault): string {
  switch (kind) {
    case "slow":
    case "busy":
      return "submit it as a job with `submitCompletion`, which waits";
    case "misfit":
      return "trying again will not help; tell the operator of this service, whose origin must serve exactly that version";
    case "refusing":
    case "missing":
    case "garbled":
      return "try again later, and tell the operator of this service if it keeps happening";
    default:
      return "try again later";
  }
}
