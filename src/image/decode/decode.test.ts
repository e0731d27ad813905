import { describe, expect, it } from "vitest";
import { CountingAdmission, difference, expectations, fixture } from "../../../test/image/fixtures.ts";
import { Turns } from "../../scheduling/turns.ts";
import { decodePicture } from "./index.ts";

/** Of the folder itself, and of the one with GIF, BMP and the like. */
const expected = new Map([
  ...expectations(),
  ...[...expectations("more/")].map(([name, rgb]): [string, Uint8Array] => [`more/${name}`, rgb]),
]);

/** Ours against Pillow's, which decodes the whole picture and filters that: mean and most in steps of 255. */
const TOLERANCE = { mean: 1, most: 14 };

describe("decodePicture gives what a viewer shows, at 32x32", () => {
  it.each([...expected.keys()])("%s", async (name) => {
    const admission = new CountingAdmission();
    const picture = await decodePicture(fixture(name), 32, { admission, turns: new Turns() });
    const { mean, most } = difference(picture.rgb, expected.get(name) as Uint8Array);
    if (process.env.SHOW) console.log(name, mean.toFixed(2), most);
    expect(mean).toBeLessThanOrEqual(TOLERANCE.mean);
    expect(most).toBeLessThanOrEqual(TOLERANCE.most);
    expect(admission.asked).toHaveLength(1);
    expect(admission.held).toBe(0);
  });
});

// training/tests/test_data.py holds what `npm run evaluate` reads of these files against the same bytes: so a model is measured on the
// very pictures that it is given here.
it.each([
  "rgb.png",
  "rgba.png",
  "palette.png",
  "grey.png",
  "interlaced.png",
  "lossy.webp",
  "lossless.webp",
  "lossless-alpha.webp",
])("%s is what Pillow makes of it, to the last bit", async (name) => {
  const picture = await decodePicture(fixture(name), 32, { admission: new CountingAdmission(), turns: new Turns() });
  expect(picture.rgb).toEqual(expected.get(name));
});
