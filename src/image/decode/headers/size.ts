import { MAX_PIXELS, MAX_SIDE } from "../../limits.ts";
import { tooLarge } from "../../problems.ts";
import type { Kind } from "../sniff.ts";

/** Called by a header's reader as soon as it knows the size, before it looks at anything else. */
export type CheckSize = (width: number, height: number) => void;

/** @throws UserError IMAGE_TOO_LARGE */
export function sizeCheck(kind: Kind): CheckSize {
  const pixels = MAX_PIXELS[kind];
  return (width, height) => {
    if (width <= MAX_SIDE && height <= MAX_SIDE && width * height <= pixels) return;
    const limit = `${pixels / 1e6} megapixels and ${MAX_SIDE} pixels a side`;
    throw tooLarge(
      `The picture has ${width}x${height} pixels; a ${kind.toUpperCase()} may have ${limit}. Make it smaller: the model sees 32x32.`,
    );
  };
}
