import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { contactSheet, pngUri } from "./contact-sheet.ts";

const palette: [number, number, number][] = [
  [255, 0, 0],
  [0, 0, 255],
];

it("lays rows out with gaps, and leaves the end of a shorter one white", () => {
  const [red, blue] = [0, 1].map((color) => pngUri(new Int32Array(4).fill(color), palette));
  if (!red || !blue) throw new Error("two pictures");
  const { width, height, data } = PNG.sync.read(contactSheet([[red, blue], [blue]], 3));
  // Two pixels a side, three times as large, 8 between them.
  expect([width, height]).toEqual([2 * 14 + 8, 2 * 14 + 8]);
  const at = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  expect([at(8, 8), at(22, 8), at(27, 13)]).toEqual([palette[0], palette[1], palette[1]]);
  expect([at(8, 22), at(22, 22), at(15, 8)]).toEqual([palette[1], [255, 255, 255], [255, 255, 255]]);
});
