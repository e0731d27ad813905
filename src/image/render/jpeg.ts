import { withJpegCodec } from "../codecs/imagescript-jpeg.ts";

const QUALITY = 90;

/** A JPEG of RGBA pixels [height, width, 4]; alpha is ignored. */
export function encodeJpeg(rgba: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  return withJpegCodec((codec) => codec.encode(rgba, width, height, QUALITY));
}
