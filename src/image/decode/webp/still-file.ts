import type { WebpFrame } from "./header.ts";

const ALPHA_FLAG = 0x10;

/**
 * A WebP file of one frame and nothing else (RFC 9649, sections 2.5 to 2.7), in pieces to be put end to end: the decoder
 * knows no animations, and needs no metadata.
 */
export function stillFile({ width, height, image, alpha }: WebpFrame): Uint8Array[] {
  const chunks = alpha ? [extendedHeader(width, height), alpha, image] : [image];
  const body = chunks.flatMap((chunk) => (chunk.length & 1 ? [chunk, new Uint8Array(1)] : [chunk]));
  const header = new Uint8Array(12);
  header.set(ascii("RIFF"), 0);
  new DataView(header.buffer).setUint32(4, 4 + body.reduce((sum, piece) => sum + piece.length, 0), true);
  header.set(ascii("WEBP"), 8);
  return [header, ...body];
}

function extendedHeader(width: number, height: number): Uint8Array {
  const chunk = new Uint8Array(18);
  const view = new DataView(chunk.buffer);
  chunk.set(ascii("VP8X"), 0);
  view.setUint32(4, 10, true);
  // Sizes are 24 bits, less one; the flag's byte and the bytes between are written before and after them.
  view.setUint32(8, ALPHA_FLAG, true);
  view.setUint32(12, width - 1, true);
  view.setUint16(15, (height - 1) & 0xffff, true);
  view.setUint8(17, (height - 1) >>> 16);
  return chunk;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
