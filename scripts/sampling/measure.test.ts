import { expect, it } from "vitest";
import { differenceOf, roughnessOf } from "./measure.ts";

const palette: [number, number, number][] = [
  [0, 0, 0],
  [30, 60, 90],
];

it("a flat half has no roughness, a chequered one the colours' difference", () => {
  const chequered = Array.from({ length: 16 }, (_, i) => (i + Math.floor(i / 4)) % 2);
  expect(roughnessOf(new Array(16).fill(1), palette, 4)).toBe(0);
  expect(roughnessOf(chequered, palette, 4)).toBe(60);
  // The upper half does not count.
  expect(roughnessOf([...chequered.slice(0, 8), ...new Array(8).fill(0)], palette, 4)).toBe(0);
});

it("samples differ by the mean over pairs and pixels", () => {
  expect(differenceOf([[0, 0]], palette)).toBe(0);
  expect(
    differenceOf(
      [
        [0, 0],
        [0, 1],
      ],
      palette,
    ),
  ).toBe(30);
  expect(
    differenceOf(
      [
        [0, 0],
        [1, 1],
        [0, 0],
      ],
      palette,
    ),
  ).toBeCloseTo(40);
});
