import { readFileSync } from "node:fs";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { animation } from "./animation.ts";

const TIMING = { first: 1000, frame: 100, last: 3000 };

it("is a GIF of the frames' size that repeats for ever, each frame shown for its time", () => {
  const gif = Buffer.from(animation([square(8, [255, 0, 0]), square(8, [0, 0, 255]), square(8, [255, 0, 0])], TIMING));
  expect(gif.toString("latin1", 0, 6)).toBe("GIF89a");
  expect([gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual([8, 8]);
  expect(gif.includes("NETSCAPE2.0\x03\x01\x00\x00", 0, "latin1")).toBe(true);
  expect(controls(gif).map(({ delay }) => delay)).toEqual([100, 10, 300]);
});

it("stores what has changed only", () => {
  const noisy = PNG.sync.write(noise(64));
  const once = animation([noisy], TIMING).length;
  const thrice = animation([noisy, noisy, noisy], TIMING).length;
  expect(thrice - once).toBeLessThan(once / 5);
  expect(controls(Buffer.from(animation([noisy, noisy], TIMING))).map(({ transparent }) => transparent)).toEqual([
    false,
    true,
  ]);
});

it("refuses frames of several sizes, and none", () => {
  expect(() => animation([square(8, [0, 0, 0]), square(9, [0, 0, 0])], TIMING)).toThrow("size");
  expect(() => animation([], TIMING)).toThrow("frame");
});

it("the README's is small enough to load with the page", () => {
  const gif = readFileSync(new URL("../docs/samples.gif", import.meta.url));
  expect(controls(gif)).toHaveLength(17);
  expect(gif.length).toBeLessThan(600_000);
});

/** The graphic control extensions, one a frame; the delay in hundredths of a second. */
function controls(gif: Buffer): { delay: number; transparent: boolean }[] {
  const found: { delay: number; transparent: boolean }[] = [];
  const start = Buffer.from([0x21, 0xf9, 0x04]);
  for (let at = gif.indexOf(start); at !== -1; at = gif.indexOf(start, at + 1)) {
    // Then the block's end and an image; else it is compressed data that happens to look like one.
    if (gif[at + 7] !== 0 || gif[at + 8] !== 0x2c) continue;
    found.push({ delay: gif.readUInt16LE(at + 4), transparent: (gif.readUInt8(at + 3) & 1) === 1 });
  }
  return found;
}

function square(side: number, [red, green, blue]: [number, number, number]): Buffer {
  const png = new PNG({ width: side, height: side });
  for (let at = 0; at < png.data.length; at += 4) png.data.set([red, green, blue, 255], at);
  return PNG.sync.write(png);
}

/** A picture that compresses badly, the same each time. */
function noise(side: number): PNG {
  const png = new PNG({ width: side, height: side });
  let state = 1;
  for (let at = 0; at < png.data.length; at++) {
    state = (state * 48271) % 2147483647;
    png.data[at] = at % 4 === 3 ? 255 : state % 256;
  }
  return png;
}
