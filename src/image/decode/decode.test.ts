import { describe, expect, it } from "vitest";
import { CountingAdmission, difference, expectations, fixture } from "../../../test/image/fixtures.ts";
import { Turns } from "../../scheduling/turns.ts";
import { decodePicture } from "./index.ts";

const expected = expectations();

/** Ours against Pillow's, which decodes the whole picture and filters that: mean and most in steps of 255. */
const TOLERANCE = { mean: 1, most: 14 };

describe("decodePicture gives what a viewer shows, at 32x32", () => {
  it.each([...expected.keys()])("%s", async (name) => {
    const admission = new CountingAdmission();
    const picture = await decodePicture(fixture(name), { admission, turns: new Turns() });
    const { mean, most } = difference(picture.rgb, expected.get(name) as Uint8Array);
    if (process.env.SHOW) console.log(name, mean.toFixed(2), most);
    expect(mean).toBeLessThanOrEqual(TOLERANCE.mean);
    expect(most).toBeLessThanOrEqual(TOLERANCE.most);
    expect(admission.asked).toHaveLength(1);
    expect(admission.held).toBe(0);
  });
});
