import type { Turns } from "../../../scheduling/turns.ts";
import { AVIF_CODEC_BYTES, avifDecoder, type DecodedAvif } from "../../codecs/jsquash-avif.ts";
import { damaged } from "../../problems.ts";
import { BoxReducer } from "../../resize/box.ts";
import { centreSquare } from "../../resize/crop.ts";
import { onWhite } from "../png/pixels.ts";
import type { AvifHeader } from "./header.ts";

/** Bytes that decoding takes at the most (measured: docs/images.md): frames, the picture as RGBA, and a copy of that. */
export function avifBytes({ width, height, hasAlpha, isFullColor, isDeep }: AvifHeader, fileBytes: number): number {
  const alpha = hasAlpha ? (isDeep ? 28 : 16) : 0;
  const perPixel = (isFullColor ? 24 : 18) + (isDeep ? 8 : 0) + alpha + 4;
  return Math.ceil(AVIF_CODEC_BYTES + width * height * perPixel + fileBytes);
}

/**
 * Decodes the picture, or a sequence's first one.
 * @throws UserError BAD_IMAGE
 */
export async function decodeAvif(
  file: Uint8Array,
  header: AvifHeader,
  turns: Turns,
  signal?: AbortSignal,
): Promise<BoxReducer> {
  const decoder = await avifDecoder();
  return turns.take(
    () =>
      reduce(
        runCodec(() => decoder.decode(file, 8)),
        header,
      ),
    signal,
  );
}

function runCodec(decode: () => DecodedAvif | null): DecodedAvif {
  try {
    const picture = decode();
    if (picture) return picture;
  } catch (error) {
    // A trap, or what Embind throws when memory ends.
    throw damaged("AVIF", error);
  }
  throw damaged("AVIF");
}

function reduce({ width, height, data }: DecodedAvif, header: AvifHeader): BoxReducer {
  if (width !== header.width || height !== header.height) throw damaged("AVIF");
  const { clean, orientation } = header;
  const square = centreSquare(clean.width, clean.height, orientation);
  const wanted = { ...square, left: clean.left + square.left, top: clean.top + square.top };
  const into = new BoxReducer(width, height, wanted);
  const rgb = new Uint8Array(width * 3);
  for (let y = 0; y < height; y++) {
    if (!into.wants(y)) continue;
    for (let x = 0, p = y * width * 4, q = 0; x < width; x++, p += 4, q += 3) {
      const alpha = data[p + 3] as number;
      rgb[q] = onWhite(data[p] as number, alpha);
      rgb[q + 1] = onWhite(data[p + 1] as number, alpha);
      rgb[q + 2] = onWhite(data[p + 2] as number, alpha);
    }
    into.add(y, rgb, width);
  }
  return into;
}
