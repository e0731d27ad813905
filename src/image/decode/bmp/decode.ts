import type { BoxReducer } from "../../resize/box.ts";
import { onWhite } from "../png/pixels.ts";
import { type BmpHeader, bmpRowBytes } from "./header.ts";

/** Turns a row of the file into RGB on white. */
type RowToRgb = (row: Uint8Array, rgb: Uint8Array) => void;

/** Bytes that decoding takes at the most. */
export function bmpBytes({ width }: BmpHeader): number {
  return width * 3 + 2 ** 12;
}

/** Decodes row by row; no library does, and the format is simple. */
export function decodeBmp(header: BmpHeader, into: BoxReducer): void {
  const { width, height, depth, topDown, rows } = header;
  const bytes = bmpRowBytes(width, depth);
  const toRgb = rowToRgb(header);
  const rgb = new Uint8Array(width * 3);
  for (let i = 0; i < height; i++) {
    const y = topDown ? i : height - 1 - i;
    if (!into.wants(y)) continue;
    toRgb(rows.subarray(i * bytes, (i + 1) * bytes), rgb);
    into.add(y, rgb, width);
  }
}

function rowToRgb(header: BmpHeader): RowToRgb {
  if (header.depth <= 8) return indexed(header);
  return header.depth === 24 ? direct : masked(header);
}

function indexed({ depth, palette }: BmpHeader): RowToRgb {
  const most = (1 << depth) - 1;
  return (row, rgb) => {
    for (let i = 0; i * 3 < rgb.length; i++) {
      const bit = i * depth;
      const color = ((row[bit >> 3] as number) >> (8 - depth - (bit & 7))) & most;
      rgb.set(palette.subarray(color * 3, color * 3 + 3), i * 3);
    }
  };
}

const direct: RowToRgb = (row, rgb) => {
  for (let p = 0; p < rgb.length; p += 3) {
    rgb[p] = row[p + 2] as number;
    rgb[p + 1] = row[p + 1] as number;
    rgb[p + 2] = row[p] as number;
  }
};

/** Whether any pixel can be seen: programs that know no alpha leave it at 0, and browsers then take it for none. */
function hasAlpha({ width, height, depth, masks, rows }: BmpHeader): boolean {
  if (masks[3] === 0) return false;
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const bytes = bmpRowBytes(width, depth);
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = y * bytes; x < width; x++, at += depth / 8) {
      const pixel = depth === 16 ? view.getUint16(at, true) : view.getUint32(at, true);
      if ((pixel & masks[3]) !== 0) return true;
    }
  }
  return false;
}

function masked(header: BmpHeader): RowToRgb {
  const { depth, masks } = header;
  const isTranslucent = hasAlpha(header);
  const [red, green, blue, alpha] = masks.map(channel) as [Channel, Channel, Channel, Channel];
  return (row, rgb) => {
    const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
    for (let i = 0; i * 3 < rgb.length; i++) {
      const pixel = depth === 16 ? view.getUint16(i * 2, true) : view.getUint32(i * 4, true);
      const opacity = isTranslucent ? alpha(pixel) : 255;
      rgb[i * 3] = onWhite(red(pixel), opacity);
      rgb[i * 3 + 1] = onWhite(green(pixel), opacity);
      rgb[i * 3 + 2] = onWhite(blue(pixel), opacity);
    }
  };
}

type Channel = (pixel: number) => number;

/** The bits of a mask, which are next to one another, as 0..255. */
function channel(mask: number): Channel {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (pixel) => Math.round((((pixel & mask) >>> shift) * 255) / most);
}
