import { UserError } from "../errors.ts";

/** The largest body of a request: a picture of 20 MB in base64 and some query around it. */
export const MAX_BODY_BYTES = 28 * 1024 * 1024;
/** Bytes of bodies that an isolate holds at once: one of the largest, or some smaller ones. Who comes then comes again. */
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;
/** A client that sends nothing for so long, or takes so long in all, is given up. */
const IDLE_MS = 15_000;
const TOTAL_MS = 120_000;
/** The same for a body that is refused. */
const DRAIN_IDLE_MS = 1_000;
const DRAIN_TOTAL_MS = 20_000;

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
  problem: () => { error: UserError; status: number } | undefined;
  /** To be called when the request has been answered. */
  release: () => void;
}

/**
 * Bounds a request's body before anything of it is buffered. What is refused is read to its end and dropped, within
 * limits: most clients look for the answer only once they have sent everything.
 * @throws UserError IMAGE_TOO_LARGE (by its Content-Length), BUSY (too many large bodies in this isolate)
 */
export async function boundBody(request: Request): Promise<BoundedBody> {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  const source = request.body;
  if (length > MAX_BODY_BYTES) {
    if (source) await drain(source.getReader());
    throw tooLarge();
  }
  if (!source) return { request, problem: () => undefined, release: () => {} };
  if (heldBytes() + length > MAX_BUFFERED_BYTES) {
    await drain(source.getReader());
    throw crowded();
  }
  const body = { bytes: 0, since: Date.now() };
  held.add(body);
  const release = () => held.delete(body);
  request.signal.addEventListener("abort", release, { once: true });
  let problem: ReturnType<BoundedBody["problem"]>;
  const cutOff = (error: UserError, status: number) => {
    problem = { error, status };
    return error;
  };
  return {
    request: new Request(request.url, {
      method: request.method,
      headers: request.headers,
      signal: request.signal,
      body: bounded(source, body, cutOff),
    }),
    problem: () => problem,
    release,
  };
}

function bounded(
  source: ReadableStream<Uint8Array>,
  body: { bytes: number },
  cutOff: (error: UserError, status: number) => UserError,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const deadline = Date.now() + TOTAL_MS;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await withTimeout(reader.read(), Math.min(IDLE_MS, deadline - Date.now()));
      if (chunk === undefined) {
        const message = `The request's body came too slowly: ${IDLE_MS / 1000} seconds without a byte, or ${TOTAL_MS / 1000} in all.`;
        controller.error(cutOff(new UserError("BAD_OPTION", message), 408));
        await reader.cancel();
      } else if (chunk.done) {
        controller.close();
      } else {
        body.bytes += chunk.value.byteLength;
        const small = body.bytes <= MAX_BODY_BYTES;
        if (small && heldBytes() <= MAX_BUFFERED_BYTES) return controller.enqueue(chunk.value);
        // Dropped at once, so that bodies that come together do not all stop each other.
        body.bytes = 0;
        await drain(reader);
        controller.error(small ? cutOff(crowded(), 503) : cutOff(tooLarge(), 413));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Reads on and drops what comes, for a while. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const deadline = Date.now() + DRAIN_TOTAL_MS;
  while (Date.now() < deadline) {
    const chunk = await withTimeout(reader.read(), DRAIN_IDLE_MS);
    if (chunk === undefined || chunk.done) break;
  }
  await reader.cancel();
}

/** Undefined when it takes longer. */
async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function crowded(): UserError {
  return new UserError("BUSY", "Too many large requests at once: try again in a few seconds.");
}

function tooLarge(): UserError {
  const megabytes = MAX_BODY_BYTES / 1024 / 1024;
  return new UserError(
    "IMAGE_TOO_LARGE",
    `A request may have ${megabytes} MB: scale the picture down before sending it.`,
  );
}
