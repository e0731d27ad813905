import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoxReducer } from "./box.ts";
import { centreSquare, type Orientation, upright } from "./crop.ts";
import { CUBIC, LANCZOS3, resample } from "./resample.ts";

/** Reduces a whole picture [height, width, 3] that is there at once. */
function shrink(rgb: Uint8Array, width: number, height: number, square = centreSquare(width, height, 1)) {
  const into = new BoxReducer(width, height, square);
  for (let y = 0; y < height; y++) into.add(y, rgb.subarray(y * width * 3, (y + 1) * width * 3), width);
  return resample(into.finish(), 32, LANCZOS3);
}

describe("resizing", () => {
  it("leaves a picture of 32x32 as it is, by each filter", () => {
    const rgb = Uint8Array.from({ length: 3072 }, (_, i) => (i * 97) & 255);
    expect(shrink(rgb, 32, 32)).toEqual(rgb);
    const whole = { width: 32, height: 32, rgb: Float32Array.from(rgb), box: { left: 0, top: 0, side: 32 } };
    expect(resample(whole, 32, CUBIC)).toEqual(rgb);
  });

  it("keeps one colour, whatever the size and shape", () => {
    const side = fc.integer({ min: 1, max: 700 });
    fc.assert(
      fc.property(side, side, fc.nat(255), (width, height, value) => {
        const result = shrink(new Uint8Array(width * height * 3).fill(value), width, height);
        expect(result.every((v) => v === value)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("does not alias: a fine chequerboard becomes grey", () => {
    const rgb = Uint8Array.from(
      { length: 640 * 640 * 3 },
      (_, i) => ((Math.floor(i / 3) + Math.floor(i / 1920)) % 2) * 255,
    );
    const inner = Array.from(shrink(rgb, 640, 640)).filter((_, i) => i > 32 * 3 * 2 && i < 32 * 3 * 30);
    expect(Math.min(...inner)).toBeGreaterThan(115);
    expect(Math.max(...inner)).toBeLessThan(140);
  });

  it("gives the same for rows in any order and pixels in any steps, as interlacing sends them", () => {
    const [width, height] = [90, 70];
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + (i >> 5)) & 255);
    const into = new BoxReducer(width, height, centreSquare(width, height, 1));
    for (const first of [1, 0, 2]) {
      for (let y = height - 1; y >= 0; y--) {
        const row = rgb.subarray(y * width * 3, (y + 1) * width * 3);
        const pixels = Uint8Array.from(
          { length: 90 },
          (_, i) => row[(first + 3 * Math.floor(i / 3)) * 3 + (i % 3)] ?? 0,
        );
        into.add(y, pixels, 30, first, 3);
      }
    }
    expect(resample(into.finish(), 32, LANCZOS3)).toEqual(shrink(rgb, width, height));
  });
});

describe("the centre square", () => {
  it("is the same part of the upright picture however the file is turned", () => {
    // 5x4, upright: the square is columns 0..3; mirrored files must leave out the same column.
    expect(centreSquare(5, 4, 1)).toEqual({ left: 0, top: 0, side: 4 });
    expect(centreSquare(5, 4, 2)).toEqual({ left: 1, top: 0, side: 4 });
    expect(centreSquare(4, 5, 3)).toEqual({ left: 0, top: 1, side: 4 });
    expect(centreSquare(4, 5, 6)).toEqual({ left: 0, top: 1, side: 4 });
  });

  it("is turned upright", () => {
    // Stored: 0 1 / 2 3.
    const stored = Uint8Array.from([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    const shown = (o: Orientation) => Array.from(upright(stored, 2, o)).filter((_, i) => i % 3 === 0);
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((o) => shown(o as Orientation).join(""))).toEqual([
      "0123",
      "1032",
      "3210",
      "2301",
      "0213",
      "2031",
      "3120",
      "1302",
    ]);
  });
});
