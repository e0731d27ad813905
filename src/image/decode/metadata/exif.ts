import type { Orientation } from "../../resize/crop.ts";

export interface Exif {
  orientation: Orientation;
  /** Cameras that write no profile say so: no sRGB ("uncalibrated"), and the interoperability index R03 (DCF 2.0). */
  isAdobeRgb: boolean;
}

const ORIENTATION = 0x0112;
const EXIF_DIRECTORY = 0x8769;
const COLOR_SPACE = 0xa001;
const INTEROPERABILITY_DIRECTORY = 0xa005;
const INTEROPERABILITY_INDEX = 0x0001;

const ASCII = 2;
const SHORT = 3;
const LONG = 4;
const UNCALIBRATED = 0xffff;

/**
 * What matters of a TIFF block (EXIF 2.32, section 4.6), the usual values where it is missing or damaged: a picture with
 * broken metadata is still a picture.
 */
export function readExif(tiff: Uint8Array): Exif {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = tiff.length < 14 ? 0 : view.getUint16(0);
  const little = order === 0x4949;
  if ((!little && order !== 0x4d4d) || view.getUint16(2, little) !== 42) return { orientation: 1, isAdobeRgb: false };
  const find = (directory: number, tag: number, type: number): number => findTag(view, little, directory, tag, type);
  const first = view.getUint32(4, little);
  const short = (at: number) => (at < 0 ? 0 : view.getUint16(at, little));
  const directory = (at: number) => (at < 0 ? tiff.length : view.getUint32(at, little));
  const orientation = short(find(first, ORIENTATION, SHORT));
  const exif = directory(find(first, EXIF_DIRECTORY, LONG));
  const interoperability = directory(find(exif, INTEROPERABILITY_DIRECTORY, LONG));
  const index = find(interoperability, INTEROPERABILITY_INDEX, ASCII);
  const isR03 = index >= 0 && String.fromCharCode(...tiff.subarray(index, index + 3)) === "R03";
  return {
    orientation: orientation >= 1 && orientation <= 8 ? (orientation as Orientation) : 1,
    isAdobeRgb: isR03 && short(find(exif, COLOR_SPACE, SHORT)) === UNCALIBRATED,
  };
}

/** Where a directory's tag has its value of up to four bytes; -1 when it is missing, of another type, or damaged. */
function findTag(view: DataView, little: boolean, directory: number, tag: number, type: number): number {
  if (directory + 2 > view.byteLength) return -1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + i * 12;
    if (at + 12 > view.byteLength) return -1;
    if (view.getUint16(at, little) === tag) return view.getUint16(at + 2, little) === type ? at + 8 : -1;
  }
  return -1;
}
