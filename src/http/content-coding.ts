import { drain } from "./drain.ts";
import { HttpRefusal } from "./problem.ts";

/** How a request's body is packed, by its Content-Encoding (RFC 9110, section 8.4.1). */
export type Coding = "gzip" | "deflate";

/** Packed bytes a step: deflate unfolds at most 1,032-fold, so that one step of a bomb holds 2 MB before it is refused. */
const STEP = 2048;

/** A body as it is read: its bytes unpacked, and a way to be rid of the rest that costs no unpacking. */
export interface Incoming {
  reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Reads on and drops what comes. */
  drop: () => Promise<void>;
}

/** @returns undefined: the body is as it is. @throws HttpRefusal 415 for what is not read here. */
export function contentCoding(headers: Headers): Coding | undefined {
  const name = (headers.get("content-encoding") ?? "").trim().toLowerCase();
  if (name === "" || name === "identity") return undefined;
  if (name === "gzip" || name === "x-gzip") return "gzip";
  if (name === "deflate") return "deflate";
  throw new HttpRefusal(
    "BAD_REQUEST",
    `A body in Content-Encoding ${JSON.stringify(name.slice(0, 40))} is not read here: send it as gzip or deflate, or as it is.`,
    415,
    { "Accept-Encoding": "gzip, deflate" },
  );
}

export function incoming(body: ReadableStream<Uint8Array>, coding: Coding | undefined): Incoming {
  const reader = body.getReader();
  if (coding === undefined) return { reader, drop: () => drain(reader) };
  let reading: ReturnType<typeof reader.read> | undefined;
  const read = () => {
    reading = reader.read();
    return reading;
  };
  const unpacked = unpack(read, coding).getReader();
  // Workers' own streams take one read at a time: where the unpacking has one under way, that is the first of the rest.
  const rest = () => {
    const first = reading;
    reading = undefined;
    return first ?? reader.read();
  };
  return {
    reader: unpacked,
    drop: async () => {
      // A failed stream rejects what is asked of it; the rest must be read all the same.
      await unpacked.cancel().catch(() => undefined);
      await drain({ read: rest, cancel: () => reader.cancel() });
    },
  };
}

/** Unpacks in small steps and no faster than its reader reads: a bomb never lies in memory. */
function unpack(read: ReadableStreamDefaultReader<Uint8Array>["read"], coding: Coding): ReadableStream<Uint8Array> {
  let chunk: Uint8Array = new Uint8Array();
  let at = 0;
  /** The next bytes, at most `STEP`; undefined at the end. */
  const next = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    while (at >= chunk.length) {
      const { done, value } = await read();
      if (done) return undefined;
      chunk = value;
      at = 0;
    }
    // A copy: the receiver may take the buffer over.
    const step = chunk.slice(at, at + STEP);
    at += STEP;
    return step;
  };
  let output: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        output ??= await decompressed(next, coding);
        const { done, value } = await output.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => output?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

async function decompressed(
  next: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  coding: Coding,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  let first = await next();
  const format = coding === "deflate" && first && !isZlib(first) ? "deflate-raw" : coding;
  const source = new ReadableStream<BufferSource>(
    {
      async pull(controller) {
        const step = first ?? (await next());
        first = undefined;
        if (step) controller.enqueue(step);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return source.pipeThrough(new DecompressionStream(format)).getReader();
}

/** "deflate" is a zlib stream (RFC 1950); some clients send the bare deflate data, which browsers read too. */
function isZlib([cmf = 0, flags]: Uint8Array): boolean {
  return (cmf & 15) === 8 && (flags === undefined || ((cmf << 8) | flags) % 31 === 0);
}
