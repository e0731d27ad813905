/** What can go wrong with a request, and what a person can do about it. */

/** The page itself knows what is missing, and has asked nobody: its message says all. */
export const NOT_YET = "NOT_YET";

/** An answer that is an error, or none at all. `code` is the API's; NETWORK, UNREADABLE and NOT_YET are ours. */
export class ApiError extends Error {
  readonly code: string;
  /** Seconds to wait, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, retryAfter?: number) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

const ADVICE: Record<string, string> = {
  BAD_IMAGE: "Choose another picture, or draw one.",
  UNSUPPORTED_IMAGE: "Choose a PNG, JPEG, WebP, GIF, AVIF or BMP.",
  IMAGE_TOO_LARGE: "Choose a smaller picture.",
  BAD_OPTION: "Change the setting that the message names.",
  MODEL_NOT_FOUND: "Choose another model, or publish this one with `npm run models -- push`.",
  MODEL_CORRUPT: "The owner of this server must publish the model again.",
  JOB_TOO_LARGE: "Larger requests need a GPU origin behind this server.",
  ORIGIN_UNAVAILABLE: "Or ask for fewer samples, so that the edge can run them.",
  UNAUTHENTICATED: "Enter a valid key.",
  FORBIDDEN: "Use a key that has this scope.",
  RATE_LIMITED: "Wait a little, then try again.",
  QUOTA_EXCEEDED: "This key's month is used up: use another key, or wait for the next month.",
  BUSY: "The server is busy with other requests: try again in a few seconds.",
  QUERY_TOO_COSTLY: "Ask for fewer samples.",
  NETWORK: "Check the connection, then try again.",
};

/** The same request would fail in the same way. */
const IN_VAIN: readonly string[] = [
  NOT_YET,
  "BAD_IMAGE",
  "UNSUPPORTED_IMAGE",
  "IMAGE_TOO_LARGE",
  "BAD_OPTION",
  "MODEL_NOT_FOUND",
  "JOB_TOO_LARGE",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "QUOTA_EXCEEDED",
  "QUERY_TOO_COSTLY",
];

export function isWorthRetrying({ code }: ApiError): boolean {
  return !IN_VAIN.includes(code);
}

export function advice(error: ApiError): string {
  if (error.code === NOT_YET) return "";
  if (error.retryAfter !== undefined) return `Try again in ${error.retryAfter} seconds.`;
  return ADVICE[error.code] ?? "Try again. If it keeps happening, reload the page.";
}

/** Whatever was thrown, as an ApiError. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError) return new ApiError("NETWORK", "The server can't be reached.");
  return new ApiError("UNREADABLE", error instanceof Error ? error.message : String(error));
}

/** The server has no such field: an older or smaller server, not a mistake of the person. */
export function isMissingField(error: ApiError): boolean {
  return /Cannot query field|is not defined by type|Unknown (argument|type)/.test(error.message);
}
