import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cosine, neighbours, project, spread } from "./vectors.ts";

const number = fc.double({ min: -10, max: 10, noNaN: true });
const vectors = fc.array(fc.array(number, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 12 });

it("finds the nearest first and not the picture itself", () => {
  const found = neighbours(
    [
      [1, 0],
      [0, 1],
      [2, 0.1],
      [-1, 0],
    ],
    0,
  );
  expect(found.map(({ index }) => index)).toEqual([2, 1, 3]);
  expect(found[2]?.similarity).toBe(-1);
  expect(cosine([0, 0], [1, 2])).toBe(0);
});

describe("the map", () => {
  it("has the direction of most spread across", () => {
    const places = project([
      [0, 0, 0],
      [0, 10, 0.5],
      [0, 5, -0.5],
      [0.1, 2.5, 0],
    ]).map(({ x }) => x);
    // Eigenvectors have no sign: either way round.
    const across = (places[0] ?? 0) < 0.5 ? places : places.map((x) => 1 - x);
    expect(across[0]).toBeCloseTo(0, 5);
    expect(across[1]).toBeCloseTo(1, 5);
    expect(across[2]).toBeCloseTo(0.5, 1);
    expect(across[3]).toBeCloseTo(0.25, 1);
  });

  it("places anything within its borders", () => {
    fc.assert(
      fc.property(vectors, (all) => {
        const places = project(all);
        expect(places).toHaveLength(all.length);
        for (const { x, y } of places) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x).toBeLessThanOrEqual(1);
          expect(y).toBeGreaterThanOrEqual(0);
          expect(y).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it("moves pictures apart that lie on one another, within its borders", () => {
    const box = { x: 0.1, y: 0.1 };
    const places = spread(new Array(9).fill({ x: 0.98, y: 0.5 }), box);
    for (const [i, a] of places.entries()) {
      expect(a.x).toBeLessThanOrEqual(1);
      for (const b of places.slice(i + 1)) {
        expect(Math.max(Math.abs(a.x - b.x) / box.x, Math.abs(a.y - b.y) / box.y)).toBeGreaterThan(0.9);
      }
    }
  });

  it("leaves pictures where they are that do not touch", () => {
    const places = [
      { x: 0.1, y: 0.1 },
      { x: 0.5, y: 0.1 },
    ];
    expect(spread(places, { x: 0.1, y: 0.1 })).toEqual(places);
  });
});
