import { damaged, noPixels, truncated, unsupported } from "../../problems.ts";
import type { CheckSize } from "../size.ts";

export interface BmpHeader {
  width: number;
  height: number;
  /** Whether the first row in the file is the upper one. */
  topDown: boolean;
  /** Bits a pixel: 1, 4, 8, 16, 24 or 32. */
  depth: number;
  /** Of 16 and 32 bits: where red, green, blue and alpha are; 0: there is none. */
  masks: [number, number, number, number];
  /** [colours, 3] of a picture of up to 8 bits. */
  palette: Uint8Array;
  /** The rows, each filled up to four bytes. */
  rows: Uint8Array;
}

/** Kinds of compression that hold plain pixels. */
const RGB = 0;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

/**
 * The header of a Windows bitmap (BITMAPCOREHEADER, BITMAPINFOHEADER and its later versions).
 * @throws UserError BAD_IMAGE, UNSUPPORTED_IMAGE
 */
export function readBmpHeader(bytes: Uint8Array, check: CheckSize): BmpHeader {
  if (bytes.length < 26) throw truncated("BMP");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(14, true);
  const isCore = length === 12;
  if (!isCore && length < 40) throw damaged("BMP");
  if (bytes.length < 14 + length) throw truncated("BMP");
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signed);
  if (width === 0 || height === 0) throw noPixels("BMP");
  if (width < 0) throw damaged("BMP");
  check(width, height);
  const depth = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? RGB : view.getUint32(30, true);
  const masked = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  if (compression !== RGB && !(masked && (depth === 16 || depth === 32))) {
    throw unsupported("This kind of BMP (compressed) is not supported. Save it as a PNG or an ordinary BMP.");
  }
  if (![1, 4, 8, 16, 24, 32].includes(depth)) throw damaged("BMP");
  const rowsAt = view.getUint32(10, true);
  const rowBytes = bmpRowBytes(width, depth);
  if (rowsAt < 14 + length) throw damaged("BMP");
  if (rowsAt + rowBytes * height > bytes.length) throw truncated("BMP");
  const masks = masked ? readMasks(view, compression, length) : depth === 16 ? FIVE_BITS : EIGHT_BITS;
  const colors = isCore ? 1 << depth : view.getUint32(46, true) || 1 << depth;
  const palette =
    depth > 8 ? new Uint8Array() : readPalette(bytes.subarray(14 + length, rowsAt), isCore ? 3 : 4, colors);
  return { width, height, topDown: signed < 0, depth, masks, palette, rows: bytes.subarray(rowsAt) };
}

type Masks = BmpHeader["masks"];
const FIVE_BITS: Masks = [0x7c00, 0x03e0, 0x001f, 0];
/** The fourth byte is not used, says the specification. */
const EIGHT_BITS: Masks = [0xff0000, 0x00ff00, 0x0000ff, 0];

export function bmpRowBytes(width: number, depth: number): number {
  return Math.ceil((width * depth) / 32) * 4;
}

/** In the later headers, or after the first one: the same place. */
function readMasks(view: DataView, compression: number, length: number): Masks {
  const hasAlpha = length >= 56 || compression === ALPHA_BITFIELDS;
  if (view.byteLength < 14 + 40 + (hasAlpha ? 16 : 12)) throw truncated("BMP");
  const [red, green, blue] = [54, 58, 62].map((at) => view.getUint32(at, true)) as [number, number, number];
  return [red, green, blue, hasAlpha ? view.getUint32(66, true) : 0];
}

/** Blue, green, red, and mostly a byte that is not used. */
function readPalette(entries: Uint8Array, stride: 3 | 4, colors: number): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let i = 0; i < Math.min(256, colors) && (i + 1) * stride <= entries.length; i++) {
    for (let c = 0; c < 3; c++) palette[i * 3 + c] = entries[i * stride + 2 - c] as number;
  }
  return palette;
}
