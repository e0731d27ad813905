import { JpegCodec } from "../codecs/imagescript-jpeg.ts";

const QUALITY = 90;
/** 1024x1024 RGBA, its copies and a JPEG; an instance that grew past it is dropped. */
const KEEP_BYTES = 8 * 2 ** 20;

let kept: JpegCodec | undefined;

/** A JPEG of RGBA pixels; alpha is ignored. */
export function encodeJpeg(rgba: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const codec = kept ?? new JpegCodec();
  // A trap leaves the instance unusable: it is kept again only after success.
  kept = undefined;
  const file = codec.encode(rgba, width, height, QUALITY);
  if (codec.memoryBytes <= KEEP_BYTES) kept = codec;
  return file;
}
