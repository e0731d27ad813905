import { damaged, noPixels, truncated } from "../../problems.ts";
import type { Orientation } from "../../resize/crop.ts";
import { readExif } from "../metadata/exif.ts";
import type { CheckSize } from "../size.ts";
import { latin1 } from "../text.ts";

export interface WebpHeader {
  /** Of the canvas. */
  width: number;
  height: number;
  orientation: Orientation;
  /** An ICC profile. */
  icc: Uint8Array | undefined;
  /** The picture, or the first frame of an animation. */
  frame: WebpFrame;
}

export interface WebpFrame {
  /** Where it stands on the canvas. */
  left: number;
  top: number;
  width: number;
  height: number;
  lossless: boolean;
  /** The chunk VP8 or VP8L as it lies in the file. */
  image: Uint8Array;
  /** The chunk ALPH, which goes with VP8. */
  alpha: Uint8Array | undefined;
}

/** VP8X's flag that there is EXIF, and the chunks that hold pixels. */
const EXIF_FLAG = 0x08;
const PIXELS = ["VP8 ", "VP8L", "ANMF"];

interface Size {
  width: number;
  height: number;
}

interface Chunk {
  name: string;
  /** With its header of 8 bytes, without padding. */
  whole: Uint8Array;
  content: Uint8Array;
}

/**
 * The header of a WebP file (RFC 9649), read without decoding anything.
 * @throws UserError BAD_IMAGE
 */
export function readWebpHeader(bytes: Uint8Array, check: CheckSize): WebpHeader {
  if (bytes.length < 30) throw truncated("WebP");
  checkFirst(bytes, check);
  // The container's own length is not believed: some programs write a wrong one.
  const chunks = readChunks(bytes.subarray(12));
  const [extended] = chunks;
  if (extended?.name !== "VP8X") {
    const frame = stillFrame(chunks);
    return { width: frame.width, height: frame.height, orientation: 1, icc: undefined, frame };
  }
  if (extended.content.length < 10) throw damaged("WebP");
  const width = uint24(extended.content, 4) + 1;
  const height = uint24(extended.content, 7) + 1;
  const animation = chunks.find((c) => c.name === "ANMF");
  const frame = animation ? animatedFrame(animation) : stillFrame(chunks);
  const fits = animation
    ? frame.left + frame.width <= width && frame.top + frame.height <= height
    : frame.width === width && frame.height === height;
  if (!fits) throw damaged("WebP");
  const icc = chunks.find((c) => c.name === "ICCP")?.content;
  return { width, height, orientation: readOrientation(bytes, extended, chunks), icc, frame };
}

/** EXIF comes after the pixels: a file that is cut off there is whole but for which way is up. */
function readOrientation(bytes: Uint8Array, extended: Chunk, chunks: Chunk[]): Orientation {
  const exif = chunks.find((c) => c.name === "EXIF");
  if (exif) return webpOrientation(exif.content);
  const isPromised = ((extended.content[0] as number) & EXIF_FLAG) !== 0;
  if (isPromised && 8 + view(bytes).getUint32(4, true) > bytes.length) throw truncated("WebP");
  return 1;
}

/** The size that the first chunk says, before anything else of the file is believed. */
function checkFirst(bytes: Uint8Array, check: CheckSize): void {
  const name = latin1(bytes.subarray(12, 16));
  const content = bytes.subarray(20);
  if (name === "VP8X") check(uint24(content, 4) + 1, uint24(content, 7) + 1);
  if (name === "VP8L") check(...pair(losslessSize(content)));
  if (name === "VP8 ") check(...pair(lossySize(content)));
}

function pair({ width, height }: Size): [number, number] {
  return [width, height];
}

/** All whole chunks. @throws UserError BAD_IMAGE when one with pixels is cut off */
function readChunks(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = [];
  const data = view(bytes);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = data.getUint32(at + 4, true);
    const name = latin1(bytes.subarray(at, at + 4));
    if (at + 8 + length > bytes.length) {
      if (!chunks.some((c) => PIXELS.includes(c.name))) throw truncated("WebP");
      break;
    }
    chunks.push({
      name,
      whole: bytes.subarray(at, at + 8 + length),
      content: bytes.subarray(at + 8, at + 8 + length),
    });
    at += 8 + length + (length & 1);
  }
  return chunks;
}

function stillFrame(chunks: Chunk[]): WebpFrame {
  const image = chunks.find((c) => c.name === "VP8 " || c.name === "VP8L");
  if (!image) throw truncated("WebP");
  const lossless = image.name === "VP8L";
  const size = lossless ? losslessSize(image.content) : lossySize(image.content);
  if (size.width === 0 || size.height === 0) throw noPixels("WebP");
  const alpha = lossless ? undefined : chunks.find((c) => c.name === "ALPH")?.whole;
  return { left: 0, top: 0, ...size, lossless, image: image.whole, alpha };
}

function animatedFrame({ content }: Chunk): WebpFrame {
  if (content.length < 16) throw damaged("WebP");
  const frame = stillFrame(readChunks(content.subarray(16)));
  if (frame.width !== uint24(content, 6) + 1 || frame.height !== uint24(content, 9) + 1) throw damaged("WebP");
  return { ...frame, left: uint24(content, 0) * 2, top: uint24(content, 3) * 2 };
}

/** RFC 6386, section 9.1: three bytes of frame tag, a start code, then 14 bits of width and of height. */
function lossySize(vp8: Uint8Array): Size {
  if (vp8.length < 10) throw truncated("WebP");
  const data = view(vp8);
  const isKeyFrame = ((vp8[0] as number) & 1) === 0;
  if (!isKeyFrame || uint24(vp8, 3) !== 0x2a019d) throw damaged("WebP");
  return { width: data.getUint16(6, true) & 0x3fff, height: data.getUint16(8, true) & 0x3fff };
}

/** RFC 9649, section 3.4: a signature byte, then 14 bits each of width - 1 and height - 1. */
function losslessSize(vp8l: Uint8Array): Size {
  if (vp8l.length < 5) throw truncated("WebP");
  if (vp8l[0] !== 0x2f) throw damaged("WebP");
  const bits = view(vp8l).getUint32(1, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** The chunk holds a TIFF block; some writers put JPEG's prefix before it. */
function webpOrientation(exif: Uint8Array): Orientation {
  return readExif(latin1(exif.subarray(0, 6)) === "Exif\0\0" ? exif.subarray(6) : exif).orientation;
}

function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
