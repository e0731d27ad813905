/**
 * What an origin did wrong.
 * - unreachable: no connection, or it broke off
 * - slow: no answer within the time that there was
 * - busy: 503 or 429, it says so itself
 * - failing: another 5xx
 * - refusing: a 4xx: our credentials or our request
 * - missing: it has not this model in this version
 * - garbled: an answer that is not the protocol's, or not one to what was asked
 */
export type FaultKind = "unreachable" | "slow" | "busy" | "failing" | "refusing" | "missing" | "garbled";

/** An origin could not do it; another one may. Its message is for the log: it names hosts. */
export class OriginFault extends Error {
  override readonly name = "OriginFault";

  constructor(
    readonly kind: FaultKind,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number },
  ) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }

  /** When a busy origin wants to be asked again. */
  readonly retryAfterMs: number | undefined;

  /** Whether it says that the origin is unwell; a busy one is not, nor one without this model. */
  get counts(): boolean {
    return this.kind !== "busy" && this.kind !== "missing";
  }
}

/** What a caller is told of it. */
export function explain(kind: FaultKind): string {
  switch (kind) {
    case "unreachable":
      return "the origin cannot be reached";
    case "slow":
      return "the origin did not answer in time";
    case "busy":
      return "the origin is busy";
    case "failing":
      return "the origin reported an error of its own";
    case "refusing":
      return "the origin refused the request";
    case "missing":
      return "the origin does not have this version of the model";
    case "garbled":
      return "the origin gave an answer that cannot be used";
  }
}
