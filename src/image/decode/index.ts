import type { Admission } from "../../admission/admission.ts";
import type { Turns } from "../../scheduling/turns.ts";
import { MAX_DECODE_BYTES } from "../limits.ts";
import { tooLarge } from "../problems.ts";
import { BoxReducer } from "../resize/box.ts";
import { centreSquare, type Orientation, upright } from "../resize/crop.ts";
import { LANCZOS3, resample } from "../resize/resample.ts";
import { type Picture, SIDE } from "../types.ts";
import { readJpegHeader } from "./headers/jpeg.ts";
import { readPngHeader } from "./headers/png.ts";
import { sizeCheck } from "./headers/size.ts";
import { readWebpHeader } from "./headers/webp.ts";
import { decodeJpeg, jpegBytes } from "./jpeg/decode.ts";
import { decodePng, pngBytes } from "./png/decode.ts";
import { sniff } from "./sniff.ts";
import { decodeWebp, webpBytes } from "./webp/decode.ts";

export interface DecodeContext {
  admission: Admission;
  turns: Turns;
  signal?: AbortSignal | undefined;
}

/** A file whose header was read: what it needs, and how to get at its pixels. */
interface Plan {
  width: number;
  height: number;
  orientation: Orientation;
  /** The most memory that `run` takes. */
  bytes: number;
  run(turns: Turns): Promise<BoxReducer>;
}

/**
 * An encoded picture to the 32x32 one that the model sees: upright, on white, the centre square, resampled by Lanczos.
 * Nothing is decoded before the header's size was checked and Admission has granted the memory.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_IMAGE, BUSY
 */
export async function decodePicture(file: Uint8Array, { admission, turns, signal }: DecodeContext): Promise<Picture> {
  const plan = planDecode(file, signal);
  if (plan.bytes > MAX_DECODE_BYTES) throw needsTooMuch(plan);
  const lease = await admission.acquire(plan.bytes, signal);
  try {
    const reduced = (await plan.run(turns)).finish();
    return { rgb: upright(resample(reduced, SIDE, LANCZOS3), SIDE, plan.orientation) };
  } finally {
    lease.release();
  }
}

/** @throws UserError */
export function planDecode(file: Uint8Array, signal?: AbortSignal): Plan {
  const kind = sniff(file);
  const check = sizeCheck(kind);
  switch (kind) {
    case "png": {
      const header = readPngHeader(file, check);
      const run = async (turns: Turns) => {
        const into = new BoxReducer(header.width, header.height, squareOf(header));
        await decodePng(header, into, turns, signal);
        return into;
      };
      return { ...size(header), bytes: pngBytes(header), run };
    }
    case "jpeg": {
      const header = readJpegHeader(file, check);
      const run = (turns: Turns) => turns.take(() => decodeJpeg(file, header, squareOf(header)), signal);
      return { ...size(header), bytes: jpegBytes(header, file.length), run };
    }
    case "webp": {
      const header = readWebpHeader(file, check);
      const run = async (turns: Turns) => {
        const into = new BoxReducer(header.width, header.height, squareOf(header));
        await turns.take(() => decodeWebp(header, into), signal);
        return into;
      };
      return { ...size(header), bytes: webpBytes(header), run };
    }
  }
}

type Sized = Pick<Plan, "width" | "height" | "orientation">;

function size({ width, height, orientation }: Sized): Sized {
  return { width, height, orientation };
}

function squareOf({ width, height, orientation }: Sized) {
  return centreSquare(width, height, orientation);
}

function needsTooMuch({ width, height, bytes }: Plan): Error {
  const need = Math.ceil(bytes / 2 ** 20);
  const cap = MAX_DECODE_BYTES / 2 ** 20;
  return tooLarge(
    `Decoding this ${width}x${height} picture takes ${need} MiB, and ${cap} MiB is the most. ` +
      "Make it smaller (the model sees 32x32), or save it as a PNG or an ordinary (not progressive) JPEG.",
  );
}
