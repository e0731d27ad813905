import { keeping } from "../codecs/keep.ts";
import { WebpEncoder } from "../codecs/photon-webp.ts";

const withEncoder = keeping(() => new WebpEncoder());

/**
 * A lossless WebP of RGBA pixels [height, width, 4]. Enlarged pixels are few colours in large areas, where lossless is
 * smaller than lossy.
 */
export function encodeWebp(rgba: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  return withEncoder((encoder) => encoder.encode(rgba, width, height));
}
