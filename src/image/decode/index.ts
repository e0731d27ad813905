import type { Admission } from "../../admission/admission.ts";
import type { Turns } from "../../scheduling/turns.ts";
import { CONVERSION_BYTES, reducedToSrgb } from "../color/to-srgb.ts";
import { MAX_DECODE_BYTES } from "../limits.ts";
import { tooLarge } from "../problems.ts";
import { upright } from "../resize/crop.ts";
import { LANCZOS3, resample } from "../resize/resample.ts";
import type { Picture } from "../types.ts";
import type { Plan } from "./format.ts";
import { sizeCheck } from "./size.ts";
import { sniff } from "./sniff.ts";

export interface DecodeContext {
  admission: Admission;
  turns: Turns;
  signal?: AbortSignal | undefined;
}

/**
 * An encoded picture to the one that a model of side x side pixels sees: upright, on white, the centre square, resampled by Lanczos, sRGB.
 * Nothing is decoded before the header's size was checked and Admission has granted the memory.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_IMAGE, BUSY
 */
export async function decodePicture(
  file: Uint8Array,
  side: number,
  { admission, turns, signal }: DecodeContext,
): Promise<Picture> {
  const plan = planDecode(file);
  if (plan.bytes > MAX_DECODE_BYTES) throw needsTooMuch(plan);
  const lease = await admission.acquire(plan.bytes, signal);
  try {
    const reduced = (await plan.run(turns, signal)).finish();
    const colors = await plan.colors?.();
    if (colors) await turns.take(() => reducedToSrgb(reduced, colors), signal);
    return { side, rgb: upright(resample(reduced, side, LANCZOS3), side, plan.orientation) };
  } finally {
    lease.release();
  }
}

/** @throws UserError */
export function planDecode(file: Uint8Array): Plan {
  const format = sniff(file);
  const plan = format.plan(file, sizeCheck(format));
  // Colours are converted when the decoder is done.
  return plan.colors ? { ...plan, bytes: Math.max(plan.bytes, CONVERSION_BYTES) } : plan;
}

function needsTooMuch({ width, height, bytes }: Plan): Error {
  const need = Math.ceil(bytes / 2 ** 20);
  const cap = MAX_DECODE_BYTES / 2 ** 20;
  return tooLarge(
    `Decoding this ${width}x${height} picture takes ${need} MiB of memory, and at most ${cap} MiB are allowed. ` +
      "Make it smaller (a model sees far fewer pixels), or save it as a PNG or an ordinary (not progressive) JPEG.",
  );
}
