import { type DecodedWebp, decodeWebpFile } from "../../codecs/cwasm-webp.ts";
import { damaged } from "../../problems.ts";
import type { BoxReducer } from "../../resize/box.ts";
import { onWhite } from "../png/pixels.ts";
import type { WebpFrame, WebpHeader } from "./header.ts";
import { stillFile } from "./still-file.ts";

/** What an instance holds before anything is decoded, and some for tables. */
const BASE_BYTES = 2 ** 20;

/** Bytes that decoding takes at the most (measured: docs/images.md): libwebp's one call gives the whole picture. */
export function webpBytes({ frame }: WebpHeader): number {
  const pixels = frame.width * frame.height;
  const file = frame.image.length + (frame.alpha?.length ?? 0);
  const perPixel = frame.lossless ? 8.2 : frame.alpha ? 7.3 : 4.1;
  return Math.ceil(BASE_BYTES + file + pixels * perPixel);
}

/**
 * Decodes the picture, or an animation's first frame on a white canvas.
 * @throws UserError BAD_IMAGE
 */
export function decodeWebp(header: WebpHeader, into: BoxReducer): void {
  const { frame } = header;
  const picture = runCodec(frame);
  if (picture.width !== frame.width || picture.height !== frame.height) throw damaged("WebP");
  const rgb = new Uint8Array(header.width * 3).fill(255);
  for (let y = 0; y < header.height; y++) {
    const inside = y - frame.top;
    if (inside >= 0 && inside < frame.height) compositeRow(picture, inside, rgb, frame.left);
    else rgb.fill(255);
    into.add(y, rgb, header.width);
  }
}

function runCodec(frame: WebpFrame): DecodedWebp {
  let picture: DecodedWebp | undefined;
  try {
    picture = decodeWebpFile(stillFile(frame));
  } catch (error) {
    // A trap: the instance is gone with it.
    throw error instanceof WebAssembly.RuntimeError ? damaged("WebP", error) : error;
  }
  if (!picture) throw damaged("WebP");
  return picture;
}

function compositeRow({ width, rgba }: DecodedWebp, y: number, rgb: Uint8Array, left: number): void {
  for (let x = 0, p = y * width * 4, q = left * 3; x < width; x++, p += 4, q += 3) {
    const alpha = rgba[p + 3] as number;
    rgb[q] = onWhite(rgba[p] as number, alpha);
    rgb[q + 1] = onWhite(rgba[p + 1] as number, alpha);
    rgb[q + 2] = onWhite(rgba[p + 2] as number, alpha);
  }
}
