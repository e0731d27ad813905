import { damaged, noPixels, truncated } from "../../problems.ts";
import type { Orientation } from "../../resize/crop.ts";
import { readExif } from "../metadata/exif.ts";
import type { CheckSize } from "../size.ts";
import { latin1 } from "../text.ts";
import type { PngColorChunks } from "./colors.ts";

export const GREY = 0;
export const RGB = 2;
export const INDEXED = 3;
export const GREY_ALPHA = 4;
export const RGBA = 6;

export interface PngHeader {
  width: number;
  height: number;
  /** Bits a channel: 1, 2, 4, 8 or 16. */
  depth: number;
  colorType: number;
  /** Samples a pixel in the file. */
  channels: number;
  interlaced: boolean;
  /** [colours * 3] of an indexed picture. */
  palette: Uint8Array;
  /** tRNS as it stands: alphas of the palette, or the one transparent colour, 16 bits a channel. */
  transparency: Uint8Array | undefined;
  /** The compressed pixels, in the order of the file; an animation's frames are left out. */
  data: Uint8Array[];
  orientation: Orientation;
  colors: PngColorChunks;
  /** Whether the file has its end; without it, pixels may be missing. */
  ended: boolean;
  /** Whether it ends within `data`. */
  cutOff: boolean;
}

const DEPTHS: Record<number, { channels: number; depths: number[] }> = {
  [GREY]: { channels: 1, depths: [1, 2, 4, 8, 16] },
  [RGB]: { channels: 3, depths: [8, 16] },
  [INDEXED]: { channels: 1, depths: [1, 2, 4, 8] },
  [GREY_ALPHA]: { channels: 2, depths: [8, 16] },
  [RGBA]: { channels: 4, depths: [8, 16] },
};

/**
 * All chunks of a PNG file (W3C PNG, third edition) that matter for its pixels; nothing is inflated. A file may end too
 * early: whether its pixels are there is known once they are inflated.
 * @throws UserError BAD_IMAGE
 */
export function readPngHeader(bytes: Uint8Array, check: CheckSize): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: PngHeader | undefined;
  for (let at = 8; at + 8 <= bytes.length; ) {
    const name = latin1(bytes.subarray(at + 4, at + 8));
    const start = at + 8;
    const end = start + view.getUint32(at);
    const content = bytes.subarray(start, end);
    if (name === "IHDR" && !header) header = readIhdr(content, check);
    if (!header) throw damaged("PNG");
    if (name === "IDAT") {
      header.data.push(content);
      header.cutOff = end > bytes.length;
    }
    header.ended = name === "IEND";
    // The checksums that follow are not looked at, and may be cut off.
    if (header.ended || end > bytes.length) break;
    if (name === "PLTE") header.palette = content;
    if (name === "tRNS") header.transparency = content;
    if (name === "eXIf") header.orientation = readExif(content).orientation;
    if (isColorChunk(name)) header.colors[name] ??= content;
    at = end + 4;
  }
  if (!header) throw truncated("PNG");
  if (header.data.length === 0) throw header.ended ? damaged("PNG") : truncated("PNG");
  if (header.colorType === INDEXED && header.palette.length < 3) throw damaged("PNG");
  return header;
}

function isColorChunk(name: string): name is keyof PngColorChunks {
  return ["cICP", "iCCP", "sRGB", "gAMA", "cHRM"].includes(name);
}

function readIhdr(content: Uint8Array, check: CheckSize): PngHeader {
  if (content.length !== 13) throw damaged("PNG");
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  if (width === 0 || height === 0) throw noPixels("PNG");
  check(width, height);
  const depth = view.getUint8(8);
  const colorType = view.getUint8(9);
  const form = DEPTHS[colorType];
  const interlace = view.getUint8(12);
  if (!form?.depths.includes(depth) || view.getUint8(10) !== 0 || view.getUint8(11) !== 0 || interlace > 1) {
    throw damaged("PNG");
  }
  return {
    width,
    height,
    depth,
    colorType,
    channels: form.channels,
    interlaced: interlace === 1,
    palette: new Uint8Array(),
    transparency: undefined,
    data: [],
    orientation: 1,
    colors: {},
    ended: false,
    cutOff: false,
  };
}
