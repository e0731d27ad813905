import { sideOf } from "../palette.ts";
import type { Filter, ImageFormat, Palette, Picture } from "../types.ts";
import { checkWidth } from "../widths.ts";
import { base64OfBytes } from "./base64.ts";
import { encodeJpeg } from "./jpeg.ts";
import { encodePng } from "./png.ts";
import { scale, withAlpha } from "./scale.ts";
import { encodeWebp } from "./webp.ts";

export interface Rendered {
  bytes: Uint8Array<ArrayBuffer>;
  contentType: string;
}

const CONTENT_TYPES: Record<ImageFormat, string> = { png: "image/png", webp: "image/webp", jpg: "image/jpeg" };

/** A picture scaled to one of its `widthsOf` and encoded. WebP is lossless, JPEG of quality 90. */
export function renderPicture(picture: Picture, format: ImageFormat, width: number, filter: Filter): Rendered {
  return { bytes: encode(picture, format, width, filter), contentType: CONTENT_TYPES[format] };
}

function encode(picture: Picture, format: ImageFormat, width: number, filter: Filter): Uint8Array<ArrayBuffer> {
  if (format === "png" && filter === "nearest") return crispPng(withAlpha(picture.rgb), picture.side, width);
  const rgba = scale(picture, width, filter);
  switch (format) {
    case "png":
      return encodePng(rgba, width, width);
    case "jpg":
      return encodeJpeg(rgba, width, width);
    case "webp":
      return encodeWebp(rgba, width, width);
  }
}

/** @param rgba [side, side, 4] */
function crispPng(rgba: Uint8Array, side: number, width: number): Uint8Array<ArrayBuffer> {
  return encodePng(rgba, side, side, width / side);
}

/**
 * A PNG data: URI with crisp pixels.
 * @param width Default: the picture's own.
 * @throws UserError BAD_OPTION
 */
export function dataUri(picture: Picture, width?: number | null): string {
  return pngUri(withAlpha(picture.rgb), picture.side, width);
}

/**
 * The same of a picture in the making: tokens of -1 are transparent.
 * @param tokens [side * side] palette indices or -1.
 * @throws UserError BAD_OPTION; RangeError for tokens that are none.
 */
export function progressDataUri(tokens: ArrayLike<number>, palette: Palette, width?: number | null): string {
  return pngUri(progressPixels(tokens, palette), sideOf(tokens), width);
}

function progressPixels(tokens: ArrayLike<number>, palette: Palette): Uint8Array {
  const rgba = new Uint8Array(tokens.length * 4);
  const colors = palette.length / 3;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as number;
    if (token === -1) continue;
    if (!(Number.isInteger(token) && token >= 0 && token < colors)) throw new RangeError(`no colour ${token}`);
    rgba.set(palette.subarray(token * 3, token * 3 + 3), i * 4);
    rgba[i * 4 + 3] = 255;
  }
  return rgba;
}

function pngUri(rgba: Uint8Array, side: number, width: number | null | undefined): string {
  return `data:image/png;base64,${base64OfBytes(crispPng(rgba, side, checkWidth(width, side)))}`;
}
