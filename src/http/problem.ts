import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, UserError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";
import { currentTrace } from "./trace.ts";

/** HTTP statuses of refusals that come before GraphQL. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  IMAGE_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  QUOTA_EXCEEDED: 429,
  BUSY: 503,
  ORIGIN_UNAVAILABLE: 503,
};

/** The form that every error takes. */
export function errorBody(message: string, code: string) {
  return { errors: [{ message, extensions: { code } }] };
}

/** An error that the caller can mend and that comes of how a request was sent, with an HTTP status of its own. */
export class HttpRefusal extends UserError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly status: number,
    readonly headers: Record<string, string> = {},
  ) {
    super(code, message);
  }
}

/** The response to an error the caller can mend. */
export function problem(c: Context<AppEnv>, error: UserError): Response {
  const { code, message } = error;
  const refusal = error instanceof HttpRefusal ? error : undefined;
  currentTrace()?.codes.add(code);
  c.header("Cache-Control", "no-store");
  for (const [name, value] of Object.entries(refusal?.headers ?? {})) c.header(name, value);
  if (code === "UNAUTHENTICATED") c.header("WWW-Authenticate", "Bearer");
  return c.json(errorBody(message, code), (refusal?.status ?? STATUS[code] ?? 400) as ContentfulStatusCode);
}
