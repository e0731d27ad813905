/** How a request's body is packed, by its Content-Encoding (RFC 9110, section 8.4.1). */
export type Coding = "gzip" | "deflate";

/** Packed bytes a step: deflate unfolds at most 1,032-fold, so that one step of a bomb holds 2 MB before it is refused. */
const STEP = 2048;

/** A body in a coding that is not read. Its answer is 415, with `headers`. */
export class UnknownCoding extends Error {
  override readonly name = "UnknownCoding";
  readonly headers = { "Accept-Encoding": "gzip, deflate" };
}

/** @returns undefined: the body is as it is. @throws UnknownCoding */
export function contentCoding(headers: Headers): Coding | undefined {
  const name = (headers.get("content-encoding") ?? "").trim().toLowerCase();
  if (name === "" || name === "identity") return undefined;
  if (name === "gzip" || name === "x-gzip") return "gzip";
  if (name === "deflate") return "deflate";
  throw new UnknownCoding(
    `A body in Content-Encoding ${JSON.stringify(name.slice(0, 40))} cannot be read here: compress it with gzip or deflate, or send it uncompressed.`,
  );
}

/**
 * Unpacks in small steps and no faster than its reader reads: a bomb never lies in memory.
 * @param read of the packed stream
 * @returns a stream that fails where the bytes are not what the coding says, or end too early
 */
export function unpack(
  read: ReadableStreamDefaultReader<Uint8Array>["read"],
  coding: Coding,
): ReadableStream<Uint8Array> {
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
