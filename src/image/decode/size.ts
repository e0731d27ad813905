import { MAX_SIDE } from "../limits.ts";
import { tooLarge } from "../problems.ts";
import type { Format } from "./format.ts";

/** Called by a header's reader as soon as it knows the size, before it looks at anything else. */
export type CheckSize = (width: number, height: number) => void;

/** @throws UserError IMAGE_TOO_LARGE */
export function sizeCheck({ name, maxPixels }: Pick<Format, "name" | "maxPixels">): CheckSize {
  return (width, height) => {
    if (width <= MAX_SIDE && height <= MAX_SIDE && width * height <= maxPixels) return;
    const limit = `${maxPixels / 1e6} megapixels and ${MAX_SIDE} pixels a side`;
    throw tooLarge(
      `The picture has ${width}x${height} pixels; a ${name} may have at most ${limit}. Make it smaller: a model sees far fewer pixels.`,
    );
  };
}
