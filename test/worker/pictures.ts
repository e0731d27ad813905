import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { ROOT } from "../../lib/root.ts";

/** A shipped photo as an ImageInput. */
export const photo = { base64: readFileSync(join(ROOT, "web/pictures/chelsea.jpg")).toString("base64") };

/** A small PNG made of a function of x and y, as an ImageInput. */
export function drawn(
  width: number,
  height: number,
  rgb: (x: number, y: number) => [number, number, number],
): { base64: string } {
  const png = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) png.data.set([...rgb(x, y), 255], 4 * (y * width + x));
  }
  return { base64: PNG.sync.write(png).toString("base64") };
}

/** A gradient. */
export const gradient = drawn(32, 32, (x, y) => [x * 8, y * 8, 128]);
