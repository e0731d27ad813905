import { UserError } from "../../errors.ts";
import {
  type Filter,
  type ImageFormat,
  type Palette,
  PIXELS,
  type Picture,
  SIDE,
  WIDTHS,
  type Width,
} from "../types.ts";
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

export function isWidth(width: number): width is Width {
  return (WIDTHS as readonly number[]).includes(width);
}

/**
 * A width that was asked for; the picture's own when none was.
 * @throws UserError BAD_OPTION when it is not one of WIDTHS.
 */
export function checkWidth(width: number | null | undefined): Width {
  const wanted = width ?? SIDE;
  if (isWidth(wanted)) return wanted;
  throw new UserError("BAD_OPTION", `width must be one of ${WIDTHS.join(", ")}, not ${wanted}.`);
}

/** A picture scaled and encoded. WebP is lossless, JPEG of quality 90. */
export function renderPicture(picture: Picture, format: ImageFormat, width: Width, filter: Filter): Rendered {
  return { bytes: encode(picture, format, width, filter), contentType: CONTENT_TYPES[format] };
}

function encode(picture: Picture, format: ImageFormat, width: Width, filter: Filter): Uint8Array<ArrayBuffer> {
  if (format === "png" && filter === "nearest") return crispPng(withAlpha(picture.rgb), width);
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

/** @param rgba [32, 32, 4] */
function crispPng(rgba: Uint8Array, width: Width): Uint8Array<ArrayBuffer> {
  return encodePng(rgba, SIDE, SIDE, width / SIDE);
}

/**
 * A PNG data: URI with crisp pixels.
 * @param width Default 32.
 * @throws UserError BAD_OPTION
 */
export function dataUri(picture: Picture, width?: number | null): string {
  return pngUri(withAlpha(picture.rgb), checkWidth(width));
}

/**
 * The same of a picture in the making: tokens of -1 are transparent.
 * @param tokens [1024] palette indices or -1.
 * @throws UserError BAD_OPTION; RangeError for tokens that are none.
 */
export function progressDataUri(tokens: ArrayLike<number>, palette: Palette, width?: number | null): string {
  return pngUri(progressPixels(tokens, palette), checkWidth(width));
}

function progressPixels(tokens: ArrayLike<number>, palette: Palette): Uint8Array {
  if (tokens.length !== PIXELS) throw new RangeError(`a picture has ${PIXELS} tokens, not ${tokens.length}`);
  const rgba = new Uint8Array(PIXELS * 4);
  const colors = palette.length / 3;
  for (let i = 0; i < PIXELS; i++) {
    const token = tokens[i] as number;
    if (token === -1) continue;
    if (!(Number.isInteger(token) && token >= 0 && token < colors)) throw new RangeError(`no colour ${token}`);
    rgba.set(palette.subarray(token * 3, token * 3 + 3), i * 4);
    rgba[i * 4 + 3] = 255;
  }
  return rgba;
}

function pngUri(rgba: Uint8Array, width: Width): string {
  return `data:image/png;base64,${base64OfBytes(crispPng(rgba, width))}`;
}
