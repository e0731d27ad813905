import { UserError } from "../errors.ts";
import { contentCoding, UnknownCoding } from "../net/content-coding.ts";
import { drain, withTimeout } from "../net/drain.ts";
import { type Incoming, incoming } from "../net/incoming.ts";
import { HttpRefusal } from "./problem.ts";

/** The largest body of a request, unpacked: a picture of 20 MB in base64 and some query around it. */
export const MAX_BODY_BYTES = 28 * 1024 * 1024;
/** Bytes of bodies that an isolate holds at once: one of the largest, or some smaller ones. Who comes then comes again. */
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;
/** A client that sends nothing for so long, or takes so long in all, is given up. */
const IDLE_MS = 15_000;
const TOTAL_MS = 120_000;

/** A request that is cancelled may end without its `finally`: after this time its body is taken for gone. */
const MAX_HELD_MS = 180_000;

/** What each request of this isolate holds of its body. */
const held = new Set<{ bytes: number; since: number }>();

function heldBytes(): number {
  let sum = 0;
  for (const body of held) {
    if (Date.now() - body.since > MAX_HELD_MS) held.delete(body);
    else sum += body.bytes;
  }
  return sum;
}

/** A request whose body is bounded in size and time while it is read. */
export interface BoundedBody {
  request: Request;
  /** Why the body was cut off, if it was. */
  problem: () => UserError | undefined;
  /** To be called when the request has been answered. */
  release: () => void;
}

/**
 * Bounds a request's body before anything of it is buffered, and unpacks it. What is refused is read to its end and
 * dropped, within limits. The body of a GET means nothing (RFC 9110, section 9.3.1) and is dropped.
 * @throws UserError IMAGE_TOO_LARGE (by its Content-Length), BUSY (too many large bodies in this isolate); HttpRefusal 415
 */
export async function boundBody(request: Request): Promise<BoundedBody> {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  const source = request.body;
  if (request.method !== "POST" || !source || length > MAX_BODY_BYTES) {
    if (source) await drain(source.getReader());
    if (length > MAX_BODY_BYTES) throw tooLarge();
    return { request: source ? rebuilt(request) : request, problem: () => undefined, release: () => {} };
  }
  if (heldBytes() + length > MAX_BUFFERED_BYTES) {
    await drain(source.getReader());
    throw crowded();
  }
  const parts = await opened(request, source);
  const body = { bytes: 0, since: Date.now() };
  held.add(body);
  const release = () => held.delete(body);
  request.signal.addEventListener("abort", release, { once: true });
  let problem: UserError | undefined;
  const cutOff = (error: UserError) => {
    problem = error;
    return error;
  };
  return { request: rebuilt(request, bounded(parts, body, cutOff)), problem: () => problem, release };
}

/** @throws HttpRefusal 415, the body having been read */
async function opened(request: Request, source: ReadableStream<Uint8Array>): Promise<Incoming> {
  try {
    return incoming(source, contentCoding(request.headers));
  } catch (error) {
    await drain(source.getReader());
    throw error instanceof UnknownCoding ? new HttpRefusal("BAD_REQUEST", error.message, 415, error.headers) : error;
  }
}

/** The same request with this body or none, and the headers that go with it. */
function rebuilt({ url, method, headers: given, signal }: Request, body?: ReadableStream<Uint8Array>): Request {
  const headers = new Headers(given);
  for (const name of ["content-length", "content-encoding", "transfer-encoding"]) headers.delete(name);
  const [type = "", ...parameters] = (given.get("content-type") ?? "").split(";");
  // Media types have no case (RFC 9110, section 8.3.1); a form's boundary, among the parameters, has.
  if (type !== "") headers.set("content-type", [type.trim().toLowerCase(), ...parameters].join(";"));
  return new Request(url, { method, headers, signal, ...(body && { body }) });
}

function bounded(
  { reader, drop }: Incoming,
  body: { bytes: number },
  cutOff: (error: UserError) => UserError,
): ReadableStream<Uint8Array> {
  const deadline = Date.now() + TOTAL_MS;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await withTimeout(reader.read(), Math.min(IDLE_MS, deadline - Date.now())).catch(() => "damaged");
      if (chunk === undefined) {
        controller.error(cutOff(tooSlow()));
        await reader.cancel();
      } else if (typeof chunk === "string") {
        controller.error(cutOff(damaged()));
        await drop();
      } else if (chunk.done) {
        controller.close();
      } else {
        body.bytes += chunk.value.byteLength;
        const small = body.bytes <= MAX_BODY_BYTES;
        if (small && heldBytes() <= MAX_BUFFERED_BYTES) return controller.enqueue(chunk.value);
        // Dropped at once, so that bodies that come together do not all stop each other.
        body.bytes = 0;
        const refusal = cutOff(small ? crowded() : tooLarge());
        await drop();
        controller.error(refusal);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function tooSlow(): HttpRefusal {
  const message = `The request's body came too slowly: ${IDLE_MS / 1000} seconds without a byte, or ${TOTAL_MS / 1000} in all.`;
  return new HttpRefusal("BAD_OPTION", message, 408);
}

/** Of a body in no coding this is its end before its length: its sender has left, and nobody reads it. */
function damaged(): HttpRefusal {
  const message =
    "The request's body cannot be decompressed: it is not what its Content-Encoding says, or ends too early.";
  return new HttpRefusal("BAD_REQUEST", message, 400);
}

function crowded(): UserError {
  return new UserError("BUSY", "Too many large requests at once: try again in a few seconds.");
}

function tooLarge(): UserError {
  const megabytes = MAX_BODY_BYTES / 1024 / 1024;
  return new UserError(
    "IMAGE_TOO_LARGE",
    `A request may have at most ${megabytes} MB: scale the picture down before sending it.`,
  );
}
