import { describe, expect, it } from "vitest";
import { CountingAdmission, difference, expectations, fixture } from "../../../test/image/fixtures.ts";
import { Turns } from "../../scheduling/turns.ts";
import { decodePicture } from "../decode/index.ts";

const expected = expectations("color/");

describe("a picture with a profile is what Little CMS makes of it, in sRGB", () => {
  it.each([...expected.keys()])("%s", async (name) => {
    const admission = new CountingAdmission();
    const picture = await decodePicture(fixture(`color/${name}`), 32, { admission, turns: new Turns() });
    const { mean, most } = difference(picture.rgb, expected.get(name) as Uint8Array);
    if (process.env.SHOW) console.log(name, mean.toFixed(2), most);
    expect(mean).toBeLessThan(0.6);
    expect(most).toBeLessThanOrEqual(14);
    expect(admission.held).toBe(0);
  });
});
