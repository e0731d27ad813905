import type { Context } from "hono";
import { parseAccept } from "hono/utils/accept";
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

const GRAPHQL_JSON = "application/graphql-response+json";

/**
 * The media type of an error's body. To a client of GraphQL over HTTP application/json with another status than 200 may be
 * from something in between, and it shows its user none of it; so it gets the type of GraphQL's answers where it takes that.
 */
export function typeOfErrors(accept: string | null | undefined): string {
  const types = parseAccept(accept ?? "").filter(({ q }) => q > 0);
  const json = types.find(({ type }) => type === GRAPHQL_JSON || type === "application/json")?.type;
  return `${json ?? "application/json"}; charset=utf-8`;
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
  const status = (refusal?.status ?? STATUS[code] ?? 400) as ContentfulStatusCode;
  return c.json(errorBody(message, code), status, { "content-type": typeOfErrors(c.req.header("accept")) });
}
