import { LCMS_BYTES, openProfile, type ToSrgb } from "../codecs/lcms.ts";
import type { Reduced } from "../resize/box.ts";

/** A profile that is larger is not applied: print shops' have up to 3 MB. */
export const MAX_PROFILE_BYTES = 4 * 2 ** 20;

/** Pixels that are converted at once. */
const STEP = 4096;

/** What the colours of a picture mean: an ICC profile, and whether the picture is grey. */
export interface Colors {
  icc: Uint8Array;
  isGrey: boolean;
}

/** Bytes that conversion takes at the most: the engine, which its tables of a profile fit into, and the profile. */
export const CONVERSION_BYTES = LCMS_BYTES + MAX_PROFILE_BYTES;

/**
 * A reduced picture's colours as sRGB's. Conversion comes after averaging: for curves near sRGB's that is the same.
 * @returns the picture itself where the profile is damaged or does not fit it.
 */
export function reducedToSrgb(reduced: Reduced, { icc, isGrey }: Colors): Reduced {
  const engine = openProfile(icc, STEP);
  if (!engine || engine.space === "CMYK" || (engine.space === "GRAY" && !isGrey)) return reduced;
  const { rgb } = reduced;
  for (let from = 0; from < rgb.length; from += STEP * 3) convertSome(rgb.subarray(from, from + STEP * 3), engine);
  return reduced;
}

/** In place. */
function convertSome(rgb: Float32Array, { space, convert }: ToSrgb): void {
  const stride = space === "GRAY" ? 3 : 1;
  const pixels = new Uint16Array(rgb.length / stride);
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.round((rgb[i * stride] as number) * 257);
  const converted = convert(pixels);
  if (!converted) return;
  for (let i = 0; i < rgb.length; i++) rgb[i] = (converted[i] as number) / 257;
}

/** Turns a row of inks, [count, 4], 255 = all of it, into sRGB, [count, 3]; false when it cannot. */
export type InksToRgb = (inks: Uint8Array, rgb: Uint8Array) => boolean;

/** @returns undefined for a profile that is damaged or of no inks. */
export function inksToSrgb(icc: Uint8Array, width: number): InksToRgb | undefined {
  const engine = openProfile(icc, width);
  if (engine?.space !== "CMYK") return undefined;
  return (inks, rgb) => {
    const converted = engine.convert(Uint16Array.from(inks, (ink) => ink * 257));
    if (!converted) return false;
    for (let i = 0; i < converted.length; i++) rgb[i] = Math.round((converted[i] as number) / 257);
    return true;
  };
}
