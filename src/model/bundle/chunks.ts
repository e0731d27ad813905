/** Of a read: far more than R2's streams hand out by themselves (4 KiB in workerd), a part of what EngineFactory.plan counts. */
const CHUNK_BYTES = 256 * 1024;

/** workerd's own method: waits until a view is full, or the stream ends. */
interface FillingReader {
  readAtLeast(bytes: number, view: Uint8Array): Promise<{ done: boolean; value?: Uint8Array<ArrayBuffer> }>;
  cancel(): Promise<void>;
}

/**
 * A body's bytes in large pieces: each piece costs a trip through promises, and a model has thousands of R2's own. A piece is
 * valid until the next one is asked for. Leaving the iteration early cancels the body.
 */
export async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  // Outside workerd, in tests on Node, pieces are as large as they come.
  if (!("readAtLeast" in ReadableStreamBYOBReader.prototype)) return yield* body;
  const reader = body.getReader({ mode: "byob" }) as unknown as FillingReader;
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  let ended = false;
  try {
    while (!ended) {
      const { done, value } = await reader.readAtLeast(CHUNK_BYTES, new Uint8Array(buffer));
      ended = done || !value;
      if (!value) break;
      if (value.length > 0) yield value;
      buffer = value.buffer;
    }
  } finally {
    if (!ended) await reader.cancel();
  }
}
