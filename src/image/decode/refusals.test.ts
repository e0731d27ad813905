import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountingAdmission, expectations, fixture, fixtureNames } from "../../../test/image/fixtures.ts";
import { UserError } from "../../errors.ts";
import { Turns } from "../../scheduling/turns.ts";
import { decodePicture } from "./index.ts";

/** The error's code and message, or the picture's byte count. */
async function outcome(file: Uint8Array, admission = new CountingAdmission()) {
  try {
    return {
      code: "none",
      message: String((await decodePicture(file, 32, { admission, turns: new Turns() })).rgb.length),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: error.code, message: error.message };
  } finally {
    expect(admission.held).toBe(0);
  }
}

const text = (value: string) => new TextEncoder().encode(value);

describe("what is refused, and why", () => {
  it.each([
    ["nothing", new Uint8Array(), "BAD_IMAGE", /empty/],
    ["text", text("hello, world, this is no picture"), "BAD_IMAGE", /PNG, JPEG, WebP/],
    ["HTML", text("<!doctype html><html><body>no</body></html>"), "BAD_IMAGE", /PNG, JPEG, WebP/],
    [
      "SVG",
      text('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
      "UNSUPPORTED_IMAGE",
      /SVG.*Convert/,
    ],
    ["a compressed BMP", patched("frame.bmp", 30, [1]), "UNSUPPORTED_IMAGE", /BMP.*Save/],
    ["TIFF", fixture("frame.tiff"), "UNSUPPORTED_IMAGE", /TIFF.*Convert/],
    ["HEIC", text("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "UNSUPPORTED_IMAGE", /HEIC.*Convert/],
    ["a PNG of 40000x40000", fixture("bomb.png"), "IMAGE_TOO_LARGE", /40000x40000/],
    ["its first 33 bytes", fixture("bomb.png").slice(0, 33), "IMAGE_TOO_LARGE", /40000x40000/],
    ["a JPEG of 40000x40000", fixture("bomb.jpg"), "IMAGE_TOO_LARGE", /40000x40000/],
    ["a WebP of 40000x40000", fixture("bomb.webp"), "IMAGE_TOO_LARGE", /40000x40000/],
    ["a PNG of 0 pixels", patched("rgb.png", 16, [0, 0, 0, 0]), "BAD_IMAGE", /0 pixels/],
    ["a JPEG of 0 pixels", jpegOfHeight(0), "BAD_IMAGE", /0 pixels/],
    ["a WebP of 0 pixels", patched("lossy.webp", 26, [0, 0]), "BAD_IMAGE", /0 pixels/],
    [
      "an arithmetic JPEG",
      patched("baseline.jpg", sofOf("baseline.jpg") + 1, [0xc9]),
      "UNSUPPORTED_IMAGE",
      /ordinary JPEG/,
    ],
    [
      "a JPEG of 12 bits",
      patched("baseline.jpg", sofOf("baseline.jpg") + 4, [12]),
      "UNSUPPORTED_IMAGE",
      /ordinary JPEG/,
    ],
  ])("%s", async (_, file, code, message) => {
    const admission = new CountingAdmission();
    const answer = await outcome(file, admission);
    expect(answer).toEqual({ code, message: expect.stringMatching(message) });
    expect(admission.asked).toEqual([]);
  });

  it("is not refused for what follows the last row", async () => {
    expect((await outcome(fixture("long.png"))).code).toBe("none");
  });

  // An animation is read once its first frame is there.
  const still = [...expectations().keys()].filter((name) => !name.startsWith("animated"));
  it.each(still)("%s is refused when it is cut off", async (name) => {
    const file = fixture(name);
    // Small files hold little but their ends, without which they are read: strictness.test.ts.
    const parts = file.length > 1000 ? [0.1, 0.5, 0.9] : [0.1, 0.5];
    for (const part of parts) {
      const { code } = await outcome(file.slice(0, Math.floor(file.length * part)));
      expect(code).toBe("BAD_IMAGE");
    }
  });
});

describe("whatever comes, the answer is a picture or an error that says why", () => {
  it("for random bytes after each format's signature", async () => {
    const signatures = [
      [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10],
      [0xff, 0xd8, 0xff],
      [...text("RIFF\x20\0\0\0WEBPVP8 ")],
      [...text("GIF89a")],
      [...text("BM")],
      [...text("\0\0\0\x18ftypavif\0\0\0\0mif1avif")],
      [],
    ];
    const file = fc
      .tuple(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 200 }))
      .map(([head, tail]) => Uint8Array.from([...head, ...tail]));
    await fc.assert(
      fc.asyncProperty(file, async (bytes) => void (await outcome(bytes))),
      { numRuns: 500 },
    );
  });

  it("for good files with bytes changed", async () => {
    const names = fixtureNames().filter((name) => fixture(name).length < 30_000);
    const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255));
    const cases = fc.tuple(fc.constantFrom(...names), fc.array(change, { minLength: 1, maxLength: 8 }), fc.boolean());
    const run = fc.asyncProperty(cases, async ([name, changes, early]) => {
      const file = fixture(name);
      // Half of the time in the first bytes, where a format's structure is.
      const length = early ? Math.min(file.length, 200) : file.length;
      for (const [where, value] of changes) file[Math.floor(where * length)] = value;
      const { code, message } = await outcome(file);
      if (code === "none") expect(message).toBe(String(32 * 32 * 3));
    });
    await fc.assert(run, { numRuns: 1500 });
  });
});

function patched(name: string, at: number, bytes: number[]): Uint8Array {
  const file = fixture(name);
  file.set(bytes, at);
  return file;
}

/** Where the marker of a baseline JPEG's frame begins. */
function sofOf(name: string): number {
  const file = fixture(name);
  return file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xc0);
}

function jpegOfHeight(height: number): Uint8Array {
  return patched("baseline.jpg", sofOf("baseline.jpg") + 5, [height >> 8, height & 255]);
}
