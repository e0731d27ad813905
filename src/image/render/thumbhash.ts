import { rgbaToThumbHash } from "thumbhash";
import type { Picture } from "../types.ts";
import { base64OfBytes } from "./base64.ts";
import { withAlpha } from "./scale.ts";

/** A ThumbHash (about 25 bytes) in base64: a blurred stand-in until the picture is there. */
export function thumbhash({ side, rgb }: Picture): string {
  return base64OfBytes(rgbaToThumbHash(side, side, withAlpha(rgb)));
}
