import type { Context } from "hono";
import { ProtocolError } from "../../src/delegation/protocol/index.ts";
import { UnknownCoding } from "../../src/net/content-coding.ts";
import { QueueFull } from "../batching/batcher.ts";
import { log } from "../log.ts";

/** An answer other than 200 that is the caller's to mend. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  constructor(
    readonly status: 400 | 404 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** The protocol's form of an error: `{ "error": message }`. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof HttpError) return c.json({ error: error.message }, error.status);
  if (error instanceof ProtocolError) return c.json({ error: error.message }, 400);
  if (error instanceof UnknownCoding) return c.json({ error: error.message }, 415, error.headers);
  if (error instanceof QueueFull) {
    c.header("Retry-After", String(error.retryAfterSeconds));
    return c.json({ error: error.message }, 503);
  }
  // Nobody reads the answer of a request that was left.
  if (c.req.raw.signal.aborted) return c.json({ error: "the client went away" }, 503);
  log("error", { path: c.req.path, error: error.stack ?? error.message });
  return c.json({ error: "something went wrong here; the log has it" }, 500);
}
