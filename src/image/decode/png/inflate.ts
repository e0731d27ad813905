import { damaged } from "../../problems.ts";

/** Compressed bytes a step: deflate unfolds at most 1,032-fold, so that one step holds 4 MB at the worst. */
const STEP = 4096;

/** The most that one step can unfold into. */
export const INFLATE_BURST = STEP * 1032;

/** A zlib stream begins with its method and ends with a checksum (RFC 1950), which is not looked at. */
const HEAD = 2;
const CHECKSUM = 4;

/**
 * Inflates a zlib stream piece by piece, by the platform's own decoder.
 * @param cutOff Whether the stream's end may be missing.
 * @throws UserError BAD_IMAGE when it is damaged.
 */
export async function* inflate(pieces: readonly Uint8Array[], cutOff: boolean): AsyncGenerator<Uint8Array> {
  const deflated = within(pieces, HEAD, cutOff ? 0 : CHECKSUM);
  const source = new ReadableStream<BufferSource>(stepper(deflated), { highWaterMark: 0 });
  const reader = source.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw damaged("PNG", error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    // Also when the caller stops early: what is still queued must not stay.
    await reader.cancel().catch(() => undefined);
  }
}

/** What lies between the first `head` and the last `tail` bytes of all. */
function within(pieces: readonly Uint8Array[], head: number, tail: number): Uint8Array[] {
  const end = pieces.reduce((sum, piece) => sum + piece.length, 0) - tail;
  let at = 0;
  return pieces.map((piece) => {
    const inside = piece.subarray(Math.max(0, head - at), Math.max(0, end - at));
    at += piece.length;
    return inside;
  });
}

function stepper(pieces: readonly Uint8Array[]): UnderlyingSource<BufferSource> {
  let piece = 0;
  let at = 0;
  return {
    pull(controller) {
      while (piece < pieces.length && at >= (pieces[piece] as Uint8Array).length) {
        piece++;
        at = 0;
      }
      const current = pieces[piece];
      if (!current) return controller.close();
      // A copy: the receiver may take the buffer over.
      controller.enqueue(current.slice(at, at + STEP));
      at += STEP;
    },
  };
}
