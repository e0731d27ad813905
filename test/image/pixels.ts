/** For tests: pictures that were encoded here, decoded by the decoders that are tested against Pillow. */
import { decodePicture } from "../../src/image/decode/index.ts";
import { Turns } from "../../src/scheduling/turns.ts";
import { CountingAdmission } from "./fixtures.ts";

/** A file's 32x32 rendering. */
export async function shrunk(file: Uint8Array): Promise<Uint8Array> {
  return (await decodePicture(file, 32, { admission: new CountingAdmission(), turns: new Turns() })).rgb;
}

/** A picture of clear areas with a few colours, or of noise with about a thousand. */
export function sketch(kind: "few" | "many"): Uint8Array {
  const rgb = new Uint8Array(32 * 32 * 3);
  for (let i = 0; i < 1024; i++) {
    const x = i % 32;
    const y = Math.floor(i / 32);
    if (kind === "few") rgb.set(x < 16 ? [200, 40, 40] : y < 16 ? [30, 60, 220] : [250, 250, 240], i * 3);
    else rgb.set([x * 8, y * 8, (x * 7 + y * 13) & 255], i * 3);
  }
  return rgb;
}
