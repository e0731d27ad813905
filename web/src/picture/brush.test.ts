import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brushCells, floodCells, lineCells, paint } from "./brush.ts";

const cell = fc.record({ x: fc.integer({ min: 0, max: 31 }), y: fc.integer({ min: 0, max: 31 }) });
const white = () => new Uint8ClampedArray(1024 * 4).fill(255);

describe("a stroke", () => {
  it("has no gaps and both ends", () => {
    fc.assert(
      fc.property(cell, cell, (a, b) => {
        const cells = lineCells(a, b);
        expect([cells[0], cells.at(-1)]).toEqual([a, b]);
        for (const [i, { x, y }] of cells.slice(1).entries()) {
          const before = cells[i];
          expect(Math.max(Math.abs(x - (before?.x ?? 99)), Math.abs(y - (before?.y ?? 99)))).toBe(1);
        }
      }),
    );
  });

  it("is as wide as its brush, and cut at the border", () => {
    expect(brushCells({ x: 5, y: 5 }, 1, 32)).toEqual([165]);
    expect(brushCells({ x: 5, y: 5 }, 4, 32)).toHaveLength(16);
    expect(brushCells({ x: 0, y: 0 }, 4, 32)).toEqual([0, 1, 2, 32, 33, 34, 64, 65, 66]);
    expect(brushCells({ x: 31, y: 31 }, 2, 32)).toEqual([1023]);
    expect(brushCells({ x: 31, y: 31 }, 2, 64)).toEqual([2015, 2016, 2079, 2080]);
  });
});

it("fills what is connected by its sides, no further", () => {
  const diagonal = paint(
    white(),
    Array.from({ length: 32 }, (_, i) => i * 32 + i),
    [0, 0, 0],
  );
  const upper = floodCells(diagonal, { x: 31, y: 0 });
  expect(upper).toHaveLength((32 * 31) / 2);
  expect(upper.every((i) => i % 32 > Math.floor(i / 32))).toBe(true);
  expect(floodCells(white(), { x: 3, y: 3 })).toHaveLength(1024);
});

it("paints a copy", () => {
  const picture = white();
  expect([...paint(picture, [1], [1, 2, 3]).slice(4, 8)]).toEqual([1, 2, 3, 255]);
  expect(picture.every((byte) => byte === 255)).toBe(true);
});
