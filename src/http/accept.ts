import { parseAccept } from "hono/utils/accept";
import { drain } from "../net/drain.ts";
import { HttpRefusal } from "./problem.ts";

/** What GraphQL is answered in. */
export const ACCEPTABLE =
  "Accept application/json or application/graphql-response+json; for a subscription text/event-stream.";

/**
 * The request with the types that it accepts in the order of their weights, without those that it does not (RFC 9110,
 * section 12.5.1): Yoga takes the first that it knows, whatever its weight.
 * @throws HttpRefusal 406 when nothing is left
 */
export async function byWeight(request: Request): Promise<Request> {
  const accept = request.headers.get("accept");
  if (!accept || !/;\s*q\s*=/i.test(accept)) return request;
  // They come sorted by their weights.
  const wanted = parseAccept(accept).filter(({ q }) => q > 0);
  if (wanted.length === 0) {
    if (request.body) await drain(request.body.getReader());
    throw new HttpRefusal("BAD_REQUEST", ACCEPTABLE, 406);
  }
  const headers = new Headers(request.headers);
  headers.set("accept", wanted.map(({ type, params }) => typeWith(type, params.charset)).join(", "));
  return new Request(request, { headers, signal: request.signal });
}

function typeWith(type: string, charset: string | undefined): string {
  return charset === undefined ? type : `${type};charset=${charset}`;
}
