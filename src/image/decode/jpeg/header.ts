import { ADOBE_GAMMA, ADOBE_RGB, matrixProfile } from "../../color/matrix-profile.ts";
import { badImage, damaged, noPixels, truncated, unsupported } from "../../problems.ts";
import type { Orientation } from "../../resize/crop.ts";
import { type Exif, readExif } from "../metadata/exif.ts";
import type { CheckSize } from "../size.ts";
import { latin1 } from "../text.ts";
import { ProfileParts } from "./profile-parts.ts";

export interface JpegComponent {
  id: number;
  /** Sampling factors, 1..4. */
  h: number;
  v: number;
  quantisation: number;
}

export interface JpegHeader {
  width: number;
  height: number;
  progressive: boolean;
  components: JpegComponent[];
  /** The colour transform of Adobe's marker (0 none, 1 YCbCr, 2 YCCK); null without that marker. */
  adobeTransform: number | null;
  orientation: Orientation;
  /** An ICC profile, embedded or hinted at by EXIF. */
  icc: Uint8Array | undefined;
  /** Whether the file has its end marker; without it, pixels may be missing. */
  ended: boolean;
}

/** Sizes a segment says about itself are checked here, so that nothing is read past the end. */
export interface Segment {
  marker: number;
  /** Where the marker's last 0xff is. */
  from: number;
  /** Where its contents begin, after the length. */
  start: number;
  end: number;
}

const SOI = 0xd8;
export const EOI = 0xd9;
export const SOS = 0xda;
export const DHT = 0xc4;
export const DRI = 0xdd;
/** No marker: the file ends without one. */
export const END = 0;

/**
 * The header of a JPEG file (ITU T.81 annex B), read without decoding anything.
 * @throws UserError BAD_IMAGE, UNSUPPORTED_IMAGE
 */
export function readJpegHeader(bytes: Uint8Array, check: CheckSize): JpegHeader {
  let frame: Pick<JpegHeader, "width" | "height" | "progressive" | "components"> | undefined;
  let adobeTransform: number | null = null;
  let exif: Exif | undefined;
  const profile = new ProfileParts();
  let hasScan = false;
  let ended = false;
  for (const segment of jpegSegments(bytes)) {
    const content = bytes.subarray(segment.start, segment.end);
    if (isFrame(segment.marker)) {
      if (frame) throw damaged("JPEG");
      frame = readFrame(segment.marker, content);
      check(frame.width, frame.height);
    } else if (segment.marker === 0xe1 && latin1(content.subarray(0, 6)) === "Exif\0\0") {
      exif = readExif(content.subarray(6));
    } else if (segment.marker === 0xe2 && latin1(content.subarray(0, 12)) === "ICC_PROFILE\0") {
      profile.add(content.subarray(12));
    } else if (segment.marker === 0xee && content.length >= 12 && latin1(content.subarray(0, 5)) === "Adobe") {
      adobeTransform = content[11] as number;
    } else if (segment.marker === SOS) {
      if (!frame) throw damaged("JPEG");
      hasScan = true;
    }
    ended = segment.marker === EOI;
  }
  if (!ended && !hasScan) throw truncated("JPEG");
  if (!frame) throw badImage("The JPEG file holds no picture. Send one that a viewer can show.");
  const hinted = exif?.isAdobeRgb && frame.components.length === 3 ? matrixProfile(ADOBE_RGB, ADOBE_GAMMA) : undefined;
  const icc = profile.whole() ?? hinted;
  return { ...frame, adobeTransform, orientation: exif?.orientation ?? 1, icc, ended };
}

/** All segments in order; the last is EOI, or END where the file lacks it. @throws UserError BAD_IMAGE inside a segment */
export function* jpegSegments(bytes: Uint8Array): Generator<Segment> {
  let at = 2;
  for (;;) {
    // Any number of 0xff may fill up before a marker; some writers leave stray bytes between segments.
    at = bytes.indexOf(0xff, at);
    if (at < 0) return yield { marker: END, from: bytes.length, start: bytes.length, end: bytes.length };
    while (bytes[at + 1] === 0xff) at++;
    const from = at;
    const marker = bytes[from + 1];
    if (marker === undefined) return yield { marker: END, from, start: bytes.length, end: bytes.length };
    at += 2;
    if (marker === EOI) return yield { marker, from, start: at, end: at };
    // 0 is a data byte 0xff, 0xd0..0xd7 restart a scan: neither has a length.
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= SOI)) continue;
    if (at + 2 > bytes.length) throw truncated("JPEG");
    const length = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (length < 2) throw damaged("JPEG");
    if (at + length > bytes.length) throw truncated("JPEG");
    yield { marker, from, start: at + 2, end: at + length };
    at += length;
  }
}

export function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(
  marker: number,
  content: Uint8Array,
): Pick<JpegHeader, "width" | "height" | "progressive" | "components"> {
  if (content.length < 6) throw damaged("JPEG");
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  if (marker > 0xc2 || view.getUint8(0) !== 8) {
    throw unsupported(
      "This kind of JPEG (lossless, arithmetic or 12 bits) is not supported. Save it as an ordinary JPEG or PNG.",
    );
  }
  const height = view.getUint16(1);
  const width = view.getUint16(3);
  if (width === 0 || height === 0) throw noPixels("JPEG");
  const count = view.getUint8(5);
  if (content.length < 6 + 3 * count) throw damaged("JPEG");
  if (count !== 1 && count !== 3 && count !== 4)
    throw unsupported(`A JPEG of ${count} channels is not supported. Save it as RGB.`);
  const components = Array.from({ length: count }, (_, i) => {
    const at = 6 + 3 * i;
    const sampling = view.getUint8(at + 1);
    const component = {
      id: view.getUint8(at),
      h: sampling >> 4,
      v: sampling & 15,
      quantisation: view.getUint8(at + 2),
    };
    const valid = component.h >= 1 && component.h <= 4 && component.v >= 1 && component.v <= 4;
    if (!valid) throw damaged("JPEG");
    return component;
  });
  return { width, height, progressive: marker === 0xc2, components };
}
