/** Codes of the errors that a caller can mend; part of the public contract. */
export type ErrorCode =
  | "BAD_REQUEST"
  | "BAD_IMAGE"
  | "IMAGE_TOO_LARGE"
  | "UNSUPPORTED_IMAGE"
  | "BAD_OPTION"
  | "MODEL_NOT_FOUND"
  | "MODEL_CORRUPT"
  | "JOB_TOO_LARGE"
  | "ORIGIN_UNAVAILABLE"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "RATE_LIMITED"
  | "QUOTA_EXCEEDED"
  | "NOT_FOUND"
  | "BUSY"
  | "QUERY_TOO_COSTLY"
  | "IDEMPOTENCY_CONFLICT"
  | "URL_REFUSED";

/**
 * An error the caller can do something about: its message is shown as it is, so it says how.
 * Anything else that is thrown is a bug or an outage: masked to the caller, logged with its cause.
 */
export class UserError extends Error {
  override readonly name = "UserError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
