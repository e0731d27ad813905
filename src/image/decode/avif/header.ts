import { cicpProfile } from "../../color/cicp.ts";
import { damaged, noPixels } from "../../problems.ts";
import type { Orientation } from "../../resize/crop.ts";
import type { CheckSize } from "../size.ts";
import { latin1 } from "../text.ts";
import { type Box, boxes, inside, viewOf } from "./boxes.ts";

export interface AvifHeader {
  width: number;
  height: number;
  orientation: Orientation;
  /** The part that is shown, in the stored picture's pixels (`clap`). */
  clean: { left: number; top: number; width: number; height: number };
  icc: Uint8Array | undefined;
  hasAlpha: boolean;
  /** Whether colours have as many samples as brightness. */
  isFullColor: boolean;
  isDeep: boolean;
}

/** HEIF, sections 6.5.10 and 6.5.12, as EXIF's orientations: by `imir` (none, top and bottom, left and right) and `irot`. */
const ORIENTATIONS: Orientation[][] = [
  [1, 8, 3, 6],
  [4, 5, 2, 7],
  [2, 7, 4, 5],
];

/** "ftyp" with a brand of AVIF's among its own; its first one may be another. */
export function isAvif(start: string, file: Uint8Array): boolean {
  if (start.slice(4, 8) !== "ftyp") return false;
  const length = Math.min(viewOf(file).getUint32(0), file.length, 256);
  return /avif|avis/.test(latin1(file.subarray(8, length)));
}

/**
 * The header of an AVIF file (AV1 Image File Format, HEIF), read without decoding anything.
 * @throws UserError BAD_IMAGE
 */
export function readAvifHeader(file: Uint8Array, check: CheckSize): AvifHeader {
  try {
    return readHeader(file, check);
  } catch (error) {
    // A field past its box's end.
    throw error instanceof RangeError ? damaged("AVIF", error) : error;
  }
}

function readHeader(file: Uint8Array, check: CheckSize): AvifHeader {
  const meta = inside(file, ["meta", 4]);
  const properties = meta ? primaryProperties(meta) : [];
  const find = (type: string) => properties.find((box) => box.type === type)?.content;
  const { width, height } = sizeOf(find("ispe")) ?? trackSize(file);
  if (width === 0 || height === 0) throw noPixels("AVIF");
  check(width, height);
  const mirror = find("imir");
  const turn = (find("irot")?.[0] ?? 0) & 3;
  const orientations = ORIENTATIONS[mirror ? 1 + ((mirror[0] ?? 0) & 1) : 0] as Orientation[];
  const config = find("av1C")?.[2] ?? 0;
  return {
    width,
    height,
    orientation: orientations[turn] as Orientation,
    clean: cleanAperture(find("clap"), width, height),
    icc: colorsOf(properties),
    hasAlpha: meta !== undefined && /auxiliary:alpha|auxid:1/.test(textOf(meta)),
    isFullColor: (config & 0x0c) !== 0x0c,
    isDeep: (config & 0x40) !== 0,
  };
}

/** The properties of the primary item (HEIF, section 9.3.1), in order. */
function primaryProperties(meta: Uint8Array): Box[] {
  const primary = inside(meta, "pitm");
  const list = inside(meta, "iprp", "ipco");
  const ipma = inside(meta, "iprp", "ipma");
  if (!primary || !list || !ipma) return [];
  const item = primary[0] === 0 ? viewOf(primary).getUint16(4) : viewOf(primary).getUint32(4);
  const all = boxes(list);
  const view = viewOf(ipma);
  const isLongItem = ipma[0] !== 0;
  const isLongIndex = ((ipma[3] ?? 0) & 1) !== 0;
  const entries = view.getUint32(4);
  for (let entry = 0, at = 8; entry < entries; entry++) {
    const id = isLongItem ? view.getUint32(at) : view.getUint16(at);
    at += isLongItem ? 4 : 2;
    const count = view.getUint8(at++);
    const step = isLongIndex ? 2 : 1;
    const indices = Array.from({ length: count }, (_, i) =>
      isLongIndex ? view.getUint16(at + 2 * i) & 0x7fff : view.getUint8(at + i) & 0x7f,
    );
    at += count * step;
    if (id === item) return indices.map((index) => all[index - 1]).filter((box) => box !== undefined);
  }
  return [];
}

function sizeOf(ispe: Uint8Array | undefined): { width: number; height: number } | undefined {
  return ispe && { width: viewOf(ispe).getUint32(4), height: viewOf(ispe).getUint32(8) };
}

/** A sequence without a still picture: its track's size, in 65536ths. */
function trackSize(file: Uint8Array): { width: number; height: number } {
  const tkhd = inside(file, "moov", "trak", "tkhd");
  if (!tkhd) throw damaged("AVIF");
  const view = viewOf(tkhd);
  return { width: view.getUint32(tkhd.length - 8) >>> 16, height: view.getUint32(tkhd.length - 4) >>> 16 };
}

/** ISO/IEC 14496-12, section 12.1.4: a size and the offset of its centre, all fractions. One that does not fit is ignored. */
function cleanAperture(clap: Uint8Array | undefined, width: number, height: number): AvifHeader["clean"] {
  const whole = { left: 0, top: 0, width, height };
  if (!clap) return whole;
  const view = viewOf(clap);
  const fraction = (at: number) => view.getInt32(at) / view.getInt32(at + 4);
  const size = { width: fraction(0), height: fraction(8) };
  const left = (width - size.width) / 2 + fraction(16);
  const top = (height - size.height) / 2 + fraction(24);
  const fits = left >= 0 && top >= 0 && left + size.width <= width && top + size.height <= height;
  return fits && size.width >= 1 && size.height >= 1 ? { left, top, ...size } : whole;
}

/** `colr`: a profile, or code points (nclx); the profile goes first. */
function colorsOf(properties: Box[]): Uint8Array | undefined {
  const all = properties.filter((box) => box.type === "colr").map((box) => box.content);
  const kind = (content: Uint8Array) => latin1(content.subarray(0, 4));
  const profile = all.find((content) => kind(content) === "prof" || kind(content) === "rICC");
  if (profile) return profile.subarray(4);
  const points = all.find((content) => kind(content) === "nclx");
  return points && cicpProfile(viewOf(points).getUint16(4), viewOf(points).getUint16(6));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
