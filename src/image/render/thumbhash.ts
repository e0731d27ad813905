import { rgbaToThumbHash } from "thumbhash";
import { type Picture, SIDE } from "../types.ts";
import { base64OfBytes } from "./base64.ts";
import { withAlpha } from "./scale.ts";

/** A ThumbHash (about 25 bytes) in base64: a blurred stand-in until the picture is there. */
export function thumbhash(picture: Picture): string {
  return base64OfBytes(rgbaToThumbHash(SIDE, SIDE, withAlpha(picture.rgb)));
}
