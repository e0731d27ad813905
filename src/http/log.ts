import { currentTrace } from "./trace.ts";

/** Characters of one field: an error's message may have all of what was sent in it. */
const MAX_FIELD = 4000;

type Level = "info" | "warn" | "error";

/** One line of JSON, with the request's id. */
export function log(level: Level, event: string, fields: Record<string, unknown> = {}): void {
  const line = JSON.stringify({ level, event, requestId: currentTrace()?.requestId, ...fields }, shortened);
  console[level](withoutSecrets(line));
}

/** An error and its causes, as fields of a line. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  return { error: error.message, name: error.name, stack: error.stack, ...cause };
}

/** Also because searching millions of characters exhausts the stack of the expressions below. */
function shortened(_: string, value: unknown): unknown {
  return typeof value === "string" && value.length > MAX_FIELD ? `${value.slice(0, MAX_FIELD)}...` : value;
}

/** A last line of defence: nothing that logs should have got hold of these. */
function withoutSecrets(line: string): string {
  return line
    .replace(/(igpt_[sp]k_)\w+/g, "$1...")
    .replace(/whsec_[\w+/=]+/g, "whsec_...")
    .replace(/(data:image\/\w+;base64,)[\w+/=]+/g, "$1...")
    .replace(/[A-Za-z0-9+/]{200,}={0,2}/g, "...");
}
