import { isNamedRgb } from "./colors.ts";
import { DHT, DRI, END, EOI, isFrame, type JpegHeader, jpegSegments, SOS } from "./header.ts";

const DQT = 0xdb;
const APP0 = 0xe0;

/**
 * A JPEG with what the codec needs and nothing else, in pieces to be put end to end: its Rust library stops at markers that
 * others skip (a second number of lines, stray bytes), and wants an end.
 */
export function cleanFile(file: Uint8Array, header: JpegHeader): Uint8Array[] {
  const pieces = [file.subarray(0, 2)];
  const adobe = adobeMarker(header);
  if (adobe) pieces.push(adobe);
  let scan = 0;
  for (const { marker, from, end } of jpegSegments(file)) {
    if (scan > 0) pieces.push(file.subarray(scan, from));
    scan = 0;
    if (marker === EOI || marker === END) break;
    const segment = file.subarray(from + 1, end);
    const isPlainScan = marker === SOS && !header.progressive;
    if (isNeeded(marker)) pieces.push(Uint8Array.of(0xff), isPlainScan ? wholeScan(segment) : segment);
    if (marker === SOS) scan = end;
  }
  pieces.push(Uint8Array.of(0xff, EOI));
  return pieces;
}

/**
 * A sequential scan has all 64 coefficients at once. Some phones write another range and approximation there, which have no
 * meaning; the codec would follow them.
 * @param segment of a scan, from the marker's second byte
 */
function wholeScan(segment: Uint8Array): Uint8Array {
  const whole = segment.slice();
  if (whole.length >= 8) whole.set([0, 63, 0], whole.length - 3);
  return whole;
}

function isNeeded(marker: number): boolean {
  return [DQT, DHT, DRI, SOS, APP0].includes(marker) || isFrame(marker);
}

/**
 * Adobe's marker tells the codec whether channels are stored as they are (0) or as YCbCr (1) or YCCK (2). It is made anew,
 * also for files that say so otherwise: by the names of their channels, or by having four.
 */
function adobeMarker(header: JpegHeader): Uint8Array | undefined {
  const asTheyAre = header.components.length === 4 || isNamedRgb(header) ? 0 : undefined;
  const transform = header.adobeTransform ?? asTheyAre;
  if (transform === undefined) return undefined;
  return Uint8Array.from([
    0xff,
    0xee,
    0,
    14,
    ...[..."Adobe"].map((c) => c.charCodeAt(0)),
    0,
    100,
    0,
    0,
    0,
    0,
    transform,
  ]);
}
