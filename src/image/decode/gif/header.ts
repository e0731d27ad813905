import { damaged, noPixels, truncated } from "../../problems.ts";
import type { CheckSize } from "../size.ts";

export interface GifHeader {
  /** Of the screen. */
  width: number;
  height: number;
  /** Of the first frame, and where it stands on the screen. */
  frame: { left: number; top: number; width: number; height: number };
  interlaced: boolean;
  /** [colours, 3] */
  palette: Uint8Array;
  /** The colour that is a hole; -1: none is. */
  transparent: number;
  /** Bits of a packed value. */
  minimum: number;
  /** The packed pixels' sub-blocks. */
  data: Uint8Array[];
}

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const GRAPHIC_CONTROL = 0xf9;

/**
 * A GIF file (GIF87a and GIF89a) as far as its first frame; nothing is unpacked.
 * @throws UserError BAD_IMAGE
 */
export function readGifHeader(bytes: Uint8Array, check: CheckSize): GifHeader {
  if (bytes.length < 13) throw truncated("GIF");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const screen = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  check(screen.width, screen.height);
  const shared = paletteAt(bytes, 13, bytes[10] as number);
  let transparent = -1;
  for (let at = 13 + shared.length; ; ) {
    const kind = bytes[at];
    if (kind === undefined) throw truncated("GIF");
    if (kind === EXTENSION) {
      const label = bytes[at + 1];
      const content = bytes.subarray(at + 3, at + 3 + (bytes[at + 2] ?? 0));
      if (label === GRAPHIC_CONTROL && content.length >= 4) {
        transparent = (content[0] as number) & 1 ? (content[3] as number) : -1;
      }
      at = subBlocks(bytes, at + 2).end;
      continue;
    }
    if (kind !== IMAGE) throw damaged("GIF");
    if (at + 11 > bytes.length) throw truncated("GIF");
    const [left, top, width, height] = [1, 3, 5, 7].map((offset) => view.getUint16(at + offset, true)) as Four;
    if (width === 0 || height === 0) throw noPixels("GIF");
    const flags = bytes[at + 9] as number;
    const own = paletteAt(bytes, at + 10, flags);
    const start = at + 10 + own.length;
    const minimum = bytes[start];
    if (minimum === undefined) throw truncated("GIF");
    if (minimum < 1 || minimum > 8) throw damaged("GIF");
    // As browsers do: a frame that does not fit makes the screen larger.
    const size = { width: Math.max(screen.width, left + width), height: Math.max(screen.height, top + height) };
    check(size.width, size.height);
    return {
      ...size,
      frame: { left, top, width, height },
      interlaced: (flags & 0x40) !== 0,
      palette: own.length > 0 ? own : shared,
      transparent,
      minimum,
      data: subBlocks(bytes, start + 1).blocks,
    };
  }
}

type Four = [number, number, number, number];

function paletteAt(bytes: Uint8Array, at: number, flags: number): Uint8Array {
  if ((flags & 0x80) === 0) return new Uint8Array();
  const length = 3 << ((flags & 7) + 1);
  if (at + length > bytes.length) throw truncated("GIF");
  return bytes.subarray(at, at + length);
}

/** Blocks of up to 255 bytes up to an empty one; what is there of a file that is cut off. */
function subBlocks(bytes: Uint8Array, from: number): { blocks: Uint8Array[]; end: number } {
  const blocks: Uint8Array[] = [];
  let at = from;
  for (; at < bytes.length && bytes[at] !== 0; at += 1 + (bytes[at] as number)) {
    blocks.push(bytes.subarray(at + 1, at + 1 + (bytes[at] as number)));
  }
  return { blocks, end: at + 1 };
}

export function isGif(start: string): boolean {
  return start.startsWith("GIF87a") || start.startsWith("GIF89a");
}
