import { AVIF } from "./avif/index.ts";
import { BMP } from "./bmp/index.ts";
import type { Format } from "./format.ts";
import { GIF } from "./gif/index.ts";
import { JPEG } from "./jpeg/index.ts";
import { PNG } from "./png/index.ts";
import { WEBP } from "./webp/index.ts";

/** All that is read, the most usual ones first. */
export const FORMATS: readonly Format[] = [PNG, JPEG, WEBP, GIF, AVIF, BMP];

/** For messages: "A, B or C". */
export const FORMAT_NAMES = FORMATS.map((format) => format.name)
  .join(", ")
  .replace(/, ([^,]*)$/, " or $1");
