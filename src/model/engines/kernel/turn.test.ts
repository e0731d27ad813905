import { expect, test } from "vitest";
import { turnPositions } from "./turn.ts";

const shipped = { layers: 8, width: 256, heads: 8, positions: 1024, colors: 512 };
const small = { layers: 24, width: 512, heads: 8, positions: 1024, colors: 512 };

test.each([
  ["the shipped model", shipped, { 0: 128, 1: 64, 2: 32, 4: 16, 8: 8 }],
  ["iGPT-S, twelve times as large", small, { 0: 32, 1: 5, 2: 2, 4: 1, 8: 1 }],
] as const)("%s does as much in a turn of any number of samples", (_, shape, expected) => {
  const found = Object.keys(expected).map((samples) => [samples, turnPositions(shape, Number(samples))]);
  expect(Object.fromEntries(found)).toEqual(expected);
});
