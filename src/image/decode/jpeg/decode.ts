import { type DecodedJpeg, withJpegCodec } from "../../codecs/imagescript-jpeg.ts";
import { CONVERSION_BYTES } from "../../color/to-srgb.ts";
import { damaged } from "../../problems.ts";
import { BoxReducer, KEPT_SIDE } from "../../resize/box.ts";
import type { Square } from "../../resize/crop.ts";
import { cleanFile } from "./clean-file.ts";
import { cmykConverter, greyRowToRgb, hasInkProfile } from "./colors.ts";
import { checkComplete, completeBytes } from "./complete.ts";
import { decodeDcPicture } from "./dc-picture.ts";
import { dcPlaneBytes } from "./dc-planes.ts";
import type { JpegHeader } from "./header.ts";

/** The DCT can be undone at these fractions of the size for less work and memory. */
const SCALES = [8, 4, 2, 1] as const;

/** A progressive picture may keep fewer: its coefficients would take tens of megabytes. Four for each of a 32x32 picture's. */
const KEPT_SIDE_OF_DC = 128;

/** What an instance holds before anything is decoded, and some for tables. */
const BASE_BYTES = 1.5 * 2 ** 20;

function reduction(side: number): number {
  return SCALES.find((scale) => side / scale >= KEPT_SIDE) ?? 1;
}

/** Bytes that decoding takes at the most (measured: docs/images.md). */
export function jpegBytes(header: JpegHeader, fileBytes: number): number {
  return (hasInkProfile(header) ? CONVERSION_BYTES : 0) + decoderBytes(header, fileBytes);
}

function decoderBytes(header: JpegHeader, fileBytes: number): number {
  const checked = header.ended ? 0 : completeBytes(header);
  if (fromDcAlone(header)) return Math.max(checked, dcPlaneBytes(header) + header.width);
  const scale = reduction(Math.min(header.width, header.height));
  const pixels = Math.ceil(header.width / scale) * Math.ceil(header.height / scale);
  const coefficients = header.progressive ? coefficientBytes(header) : 0;
  // Planes of the components, their interleaved picture, and room for a vector that doubles.
  return Math.ceil(BASE_BYTES + checked + fileBytes + coefficients * 1.05 + pixels * header.components.length * 3);
}

/** A large progressive picture is read by its DC coefficients: all others are for detail that the result cannot show. */
function fromDcAlone({ progressive, width, height }: JpegHeader): boolean {
  return progressive && Math.min(width, height) / 8 >= KEPT_SIDE_OF_DC;
}

/** A progressive picture's coefficients must all be kept until its last scan: 64 of 16 bits a block. */
function coefficientBytes({ width, height, components }: JpegHeader): number {
  const maxH = Math.max(...components.map((c) => c.h));
  const maxV = Math.max(...components.map((c) => c.v));
  const across = Math.ceil(width / (8 * maxH));
  const down = Math.ceil(height / (8 * maxV));
  return components.reduce((sum, c) => sum + across * c.h * down * c.v * 128, 0);
}

/**
 * Decodes at the smallest scale that keeps enough pixels.
 * @param square The wanted part, in the full picture's pixels.
 * @throws UserError BAD_IMAGE
 */
export function decodeJpeg(file: Uint8Array, header: JpegHeader, square: Square): BoxReducer {
  if (!header.ended) checkComplete(file, header);
  if (fromDcAlone(header)) return decodeDcPicture(file, header, square);
  const scale = reduction(square.side);
  const [width, height] = [Math.ceil(header.width / scale), Math.ceil(header.height / scale)];
  let into: BoxReducer | undefined;
  try {
    const clean = cleanFile(file, header);
    into = withJpegCodec((codec) => codec.decode(clean, width, height, (picture) => reduce(picture, header, square)));
  } catch (error) {
    // A trap: the instance is gone with it.
    throw error instanceof WebAssembly.RuntimeError ? damaged("JPEG", error) : error;
  }
  if (!into) throw damaged("JPEG");
  return into;
}

function reduce(picture: DecodedJpeg, header: JpegHeader, square: Square): BoxReducer {
  // The codec has the last word on the scale.
  const real = SCALES.find(
    (s) => Math.ceil(header.width / s) === picture.width && Math.ceil(header.height / s) === picture.height,
  );
  if (!real || picture.data.length < picture.width * picture.height * picture.channels) throw damaged("JPEG");
  const scaled = { left: square.left / real, top: square.top / real, side: square.side / real };
  const into = new BoxReducer(picture.width, picture.height, scaled);
  feed(picture, header, into);
  return into;
}

function feed(picture: DecodedJpeg, header: JpegHeader, into: BoxReducer): void {
  const { width, height, channels, data } = picture;
  const rgb = new Uint8Array(width * 3);
  const toRgb = channels === 1 ? greyRowToRgb : cmykConverter(header, width);
  for (let y = 0; y < height; y++) {
    if (!into.wants(y)) continue;
    const row = data.subarray(y * width * channels, (y + 1) * width * channels);
    if (channels === 3) {
      into.add(y, row, width);
      continue;
    }
    toRgb(row, rgb);
    into.add(y, rgb, width);
  }
}
