import { damaged } from "../../problems.ts";

/** Compressed bytes a step: deflate unfolds at most 1,032-fold, so that one step holds 4 MB at the worst. */
const STEP = 4096;

/** The most that one step can unfold into. */
export const INFLATE_BURST = STEP * 1032;

/** Inflates a zlib stream piece by piece, by the platform's own decoder. @throws UserError BAD_IMAGE when it is damaged. */
export async function* inflate(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  const source = new ReadableStream<BufferSource>(stepper(pieces), { highWaterMark: 0 });
  const reader = source.pipeThrough(new DecompressionStream("deflate")).getReader();
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
