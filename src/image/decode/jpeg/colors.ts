import { inksToSrgb, MAX_PROFILE_BYTES } from "../../color/to-srgb.ts";
import type { JpegHeader } from "./header.ts";

/** Whether the channels are called R, G and B, which some programs do where they store no YCbCr (as libjpeg takes it). */
export function isNamedRgb({ components }: JpegHeader): boolean {
  return String.fromCharCode(...components.map((c) => c.id)) === "RGB";
}

export function greyRowToRgb(row: Uint8Array, rgb: Uint8Array): void {
  for (let i = 0; i < row.length; i++) rgb.fill(row[i] as number, i * 3, i * 3 + 3);
}

/** Whether the inks' profile is applied. */
export function hasInkProfile({ components, icc }: JpegHeader): boolean {
  return components.length === 4 && icc !== undefined && icc.length <= MAX_PROFILE_BYTES;
}

/** How rows of a picture in inks become RGB: by its profile where it has one, else as `cmykRowToRgb` says. */
export function cmykConverter(header: JpegHeader, width: number): (row: Uint8Array, rgb: Uint8Array) => void {
  const isAdobe = header.adobeTransform !== null;
  const profile = header.icc && hasInkProfile(header) ? inksToSrgb(header.icc, width) : undefined;
  return (row, rgb) => {
    const inks = isAdobe || !profile ? row : row.map((light) => 255 - light);
    if (!profile?.(inks, rgb)) cmykRowToRgb(row, rgb, isAdobe);
  };
}

/**
 * Inks to light, without a colour profile, as browsers and Pillow do.
 * @param row The codec's: it takes every file for one of Adobe's, which store 255 for no ink, and turns them over.
 * @param adobe Whether the file is one: other programs store 0 for no ink, so that the codec's inks are light.
 */
function cmykRowToRgb(row: Uint8Array, rgb: Uint8Array, adobe: boolean): void {
  const flip = adobe ? 255 : 0;
  for (let i = 0; i * 4 < row.length; i++) {
    const paper = (row[i * 4 + 3] as number) ^ flip;
    for (let c = 0; c < 3; c++) {
      const light = (row[i * 4 + c] as number) ^ flip;
      rgb[i * 3 + c] = Math.round((light * paper) / 255);
    }
  }
}
