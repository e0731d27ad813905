import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flatPalette, fromTokens, toTokens } from "./palette.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe("toTokens", () => {
  it("gives the first of the nearest colours, for any palette and picture", () => {
    const cases = fc.tuple(
      fc.integer({ min: 1, max: 64 }).chain((n) => bytes(n * 3)),
      bytes(3072),
    );
    fc.assert(
      fc.property(cases, ([palette, rgb]) => {
        const tokens = toTokens({ side: 32, rgb }, palette);
        for (let i = 0; i < 1024; i += 37) {
          const distances = Array.from({ length: palette.length / 3 }, (_, c) =>
            [0, 1, 2].reduce((sum, j) => sum + ((rgb[i * 3 + j] ?? 0) - (palette[c * 3 + j] ?? 0)) ** 2, 0),
          );
          expect(tokens[i]).toBe(distances.indexOf(Math.min(...distances)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("takes the lowest index on ties", () => {
    const palette = flatPalette([
      [10, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [20, 0, 0],
    ]);
    const rgb = new Uint8Array(3072);
    rgb.set([5, 0, 0, 15, 0, 0, 0, 0, 0]);
    expect(Array.from(toTokens({ side: 32, rgb }, palette).slice(0, 4))).toEqual([0, 0, 1, 1]);
  });

  it("undoes fromTokens where the colours differ", () => {
    const palette = Uint8Array.from({ length: 512 * 3 }, (_, i) => ((i / 3) >> (3 * (i % 3))) & 7).map((v) => v * 36);
    const tokens = Int32Array.from({ length: 1024 }, (_, i) => (i * 37) % 512);
    expect(toTokens(fromTokens(tokens, palette), palette)).toEqual(tokens);
  });
});

describe("fromTokens", () => {
  it.each([-1, 2, 0.5, Number.NaN])("refuses the token %d of a palette of two", (token) => {
    const tokens = new Array(1024).fill(0).with(1000, token);
    expect(() =>
      fromTokens(
        tokens,
        flatPalette([
          [0, 0, 0],
          [1, 1, 1],
        ]),
      ),
    ).toThrow(RangeError);
  });

  it("takes any square, and refuses tokens of none", () => {
    const palette = flatPalette([[1, 2, 3]]);
    expect(fromTokens(new Array(64 * 64).fill(0), palette)).toMatchObject({ side: 64, rgb: { length: 64 * 64 * 3 } });
    for (const count of [0, 2, 1023]) {
      expect(() => fromTokens(new Array(count).fill(0), palette)).toThrow(RangeError);
    }
  });
});
