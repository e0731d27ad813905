import type { BoxReducer } from "../../resize/box.ts";
import type { GifHeader } from "./header.ts";
import { unpack } from "./lzw.ts";

/** GIF89a, appendix E: the first row of each pass, and the step. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/** Bytes that decoding takes at the most: rows, and the tables of the packing. */
export function gifBytes({ width, frame, data }: GifHeader): number {
  return width * 6 + frame.width + frame.height * 4 + data.length * 64 + 2 ** 17;
}

/**
 * Decodes the first frame, row by row, on a white screen. Packages give whole pictures of four bytes a pixel (omggif), or
 * read all frames first (gifuct-js), and take missing pixels for the first colour.
 * @throws UserError BAD_IMAGE
 */
export function decodeGif(header: GifHeader, into: BoxReducer): void {
  const { width, height, frame } = header;
  const colors = colorsOf(header);
  const white = new Uint8Array(width * 3).fill(255);
  const rgb = white.slice();
  for (let y = 0; y < height; y++) {
    if (y < frame.top || y >= frame.top + frame.height) into.add(y, white, width);
  }
  const rows = rowOrder(header);
  let row = 0;
  let x = 0;
  const write = (value: number) => {
    rgb.set(colors.subarray(value * 3, value * 3 + 3), (frame.left + x) * 3);
    if (++x < frame.width) return;
    into.add(frame.top + (rows[row++] as number), rgb, width);
    x = 0;
  };
  unpack(header.data, header.minimum, frame.width * frame.height, write);
}

/** On white; black past the palette's end. */
function colorsOf({ palette, transparent }: GifHeader): Uint8Array {
  const colors = new Uint8Array(256 * 3);
  colors.set(palette);
  if (transparent >= 0) colors.fill(255, transparent * 3, transparent * 3 + 3);
  return colors;
}

function rowOrder({ interlaced, frame }: GifHeader): Uint32Array {
  const order = new Uint32Array(frame.height);
  let at = 0;
  for (const [first, step] of interlaced ? PASSES : ([[0, 1]] as const)) {
    for (let y = first; y < frame.height; y += step) order[at++] = y;
  }
  return order;
}
