import type { Picture } from "../types.ts";
import { CUBIC, LANCZOS3, resample } from "./resample.ts";

/** A picture at another size: made smaller by Lanczos, as decoded files are, and larger by a cubic. */
export function resized(picture: Picture, side: number): Picture {
  if (picture.side === side) return picture;
  return { side, rgb: resample(whole(picture), side, side < picture.side ? LANCZOS3 : CUBIC) };
}

/** All of a picture, to be filtered. */
export function whole({ side, rgb }: Picture) {
  return { width: side, height: side, rgb: Float32Array.from(rgb), box: { left: 0, top: 0, side } };
}
