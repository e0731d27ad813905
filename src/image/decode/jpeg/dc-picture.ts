import { BoxReducer } from "../../resize/box.ts";
import type { Square } from "../../resize/crop.ts";
import { cmykConverter, greyRowToRgb, isNamedRgb } from "./colors.ts";
import { type Plane, readDcPlanes } from "./dc-planes.ts";
import type { JpegHeader } from "./header.ts";

/** Pixels of a block's side. */
const SCALE = 8;

const YCC = 1;
const YCCK = 2;

/**
 * A progressive JPEG at 1/8, from its DC coefficients alone.
 * @param square The wanted part, in the full picture's pixels.
 * @throws UserError BAD_IMAGE
 */
export function decodeDcPicture(file: Uint8Array, header: JpegHeader, square: Square): BoxReducer {
  const planes = readDcPlanes(file, header);
  const width = Math.ceil(header.width / SCALE);
  const height = Math.ceil(header.height / SCALE);
  const into = new BoxReducer(width, height, {
    left: square.left / SCALE,
    top: square.top / SCALE,
    side: square.side / SCALE,
  });
  const channels = new Uint8Array(width * planes.length);
  const rgb = new Uint8Array(width * 3);
  const inks = cmykConverter(header, width);
  for (let y = 0; y < height; y++) {
    if (!into.wants(y)) continue;
    gatherRow(planes, y, width, channels);
    rowToRgb(channels, header, rgb, inks);
    into.add(y, rgb, width);
  }
  return into;
}

/** The planes' values of a row side by side; a subsampled one's are repeated. */
function gatherRow(planes: Plane[], y: number, width: number, channels: Uint8Array): void {
  const maxH = Math.max(...planes.map((p) => p.h));
  const maxV = Math.max(...planes.map((p) => p.v));
  planes.forEach((plane, c) => {
    const row = Math.floor((y * plane.v) / maxV) * plane.width;
    for (let x = 0; x < width; x++) {
      channels[x * planes.length + c] = plane.values[row + Math.floor((x * plane.h) / maxH)] as number;
    }
  });
}

type InkConverter = ReturnType<typeof cmykConverter>;

function rowToRgb(channels: Uint8Array, header: JpegHeader, rgb: Uint8Array, inks: InkConverter): void {
  switch (header.components.length) {
    case 1:
      greyRowToRgb(channels, rgb);
      break;
    case 3:
      if (isYcc(header)) yccToRgb(channels, 3);
      rgb.set(channels);
      break;
    default:
      inksToRgb(channels, header, rgb, inks);
  }
}

function inksToRgb(channels: Uint8Array, { adobeTransform }: JpegHeader, rgb: Uint8Array, inks: InkConverter): void {
  // It wants inks as for Adobe's files: what they store turned over, but YCCK's colours are inks already.
  const turned = adobeTransform === YCCK ? [3] : [0, 1, 2, 3];
  if (adobeTransform === YCCK) yccToRgb(channels, 4);
  for (let i = 0; i < channels.length; i += 4) {
    for (const c of turned) channels[i + c] = 255 - (channels[i + c] as number);
  }
  inks(channels, rgb);
}

/** Adobe's marker says so; without it three channels are YCbCr unless they are named otherwise. */
function isYcc(header: JpegHeader): boolean {
  return header.adobeTransform === null ? !isNamedRgb(header) : header.adobeTransform === YCC;
}

/** JFIF 1.02, page 3, in place; further channels are left alone. */
function yccToRgb(channels: Uint8Array, stride: 3 | 4): void {
  const rgb = new Uint8ClampedArray(3);
  for (let i = 0; i < channels.length; i += stride) {
    const y = channels[i] as number;
    const cb = (channels[i + 1] as number) - 128;
    const cr = (channels[i + 2] as number) - 128;
    rgb[0] = y + 1.402 * cr;
    rgb[1] = y - 0.344136 * cb - 0.714136 * cr;
    rgb[2] = y + 1.772 * cb;
    channels.set(rgb, i);
  }
}
