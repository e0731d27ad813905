import { describe, expect, it } from "vitest";
import type { Kernel } from "../../src/model/engines/kernel/kernel.ts";
import { GUARD, layoutOf, PAGE_POSITIONS } from "../../src/model/engines/kernel/layout.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { loadKernel, PLAIN_SAMPLING, randomTokens, randomUniforms } from "./models.ts";
import { BINARIES } from "./modules.ts";

const SHAPES: KernelShape[] = [
  { layers: 2, width: 48, heads: 3, positions: 130, colors: 21, bias: true },
  { layers: 1, width: 64, heads: 1, positions: 64, colors: 512, bias: false },
];
const PATTERN = 0xa5;
const KEPT = new Set(["constants", "weights", "rowSums"]);

/** Pages of two prefixes' worth, each behind a guard, at addresses that the engine would not use. */
function placePages(kernel: Kernel): number[] {
  const { pagesAddress, pageBytes, tableEntries } = kernel.layout;
  kernel.memory.grow(Math.ceil(((pageBytes + GUARD) * tableEntries * 4) / 65_536) + 1);
  return Array.from({ length: tableEntries * 4 }, (_, i) => pagesAddress + GUARD + i * (pageBytes + GUARD));
}

/** Fills all that a run may not rely on: guards, scratch, free pages. */
function soil(kernel: Kernel, pages: readonly number[]): void {
  const bytes = new Uint8Array(kernel.memory.buffer);
  const clean = kernel.layout.regions
    .filter(({ name }) => KEPT.has(name))
    .map((r) => ({ ...r, copy: bytes.slice(r.address, r.address + r.bytes) }));
  bytes.fill(PATTERN);
  for (const { address, copy } of clean) bytes.set(copy, address);
  // Pages only ever hold what a kernel wrote, so their soil is another run's (below).
  for (const page of pages) bytes.fill(0, page, page + kernel.layout.pageBytes);
  kernel.floats("features").fill(0);
}

/** Bytes outside every region and page that no longer hold the pattern. */
function trespasses(kernel: Kernel, pages: readonly number[]): number[] {
  const bytes = new Uint8Array(kernel.memory.buffer);
  const owned = new Uint8Array(bytes.length);
  for (const { address, bytes: length } of kernel.layout.regions) owned.fill(1, address, address + length);
  for (const page of pages) owned.fill(1, page, page + kernel.layout.pageBytes);
  const wrong: number[] = [];
  bytes.forEach((byte, i) => {
    if (owned[i] === 0 && byte !== PATTERN) wrong.push(i);
  });
  return wrong;
}

/** A prefix of all positions, then a generation of three samples without one. */
function run(kernel: Kernel, shape: KernelShape, pages: readonly number[], seed: number): number[] {
  const tokens = randomTokens(shape.positions, shape.colors, seed);
  const { tableEntries } = kernel.layout;
  const results: number[] = [];
  for (let first = 0; first < tokens.length; first += 32) {
    const part = tokens.subarray(first, first + 32);
    kernel.setRows(
      Array.from(part, (_, i) => ({
        position: first + i,
        input: tokens[first + i - 1] ?? -1,
        pages: pages.slice(0, tableEntries),
      })),
    );
    kernel.ints("targets").set(part);
    kernel.prefill(part.length, shape.layers, true);
    results.push(...kernel.floats("nll").subarray(0, part.length));
  }
  const samples = [1, 2, 3].map((b) => ({ input: -1, pages: pages.slice(b * tableEntries, (b + 1) * tableEntries) }));
  let inputs = samples.map(() => -1);
  for (let position = 0; position < shape.positions; position += 32) {
    const steps = Math.min(32, shape.positions - position);
    kernel.setRows(samples.map((sample, b) => ({ ...sample, input: inputs[b] ?? -1, position })));
    kernel.ints("forced").fill(-1, 0, 3 * steps);
    kernel.floats("uniforms").set(randomUniforms(3 * steps, seed + position));
    kernel.generate(3, steps, { ...PLAIN_SAMPLING, topP: 0.9 });
    const drawn = kernel.ints("targets").slice(0, 3 * steps);
    inputs = samples.map((_, b) => drawn[(b + 1) * steps - 1] ?? -1);
    results.push(...drawn, ...kernel.floats("nll").subarray(0, 3 * steps));
  }
  return [...results, ...kernel.floats("features")];
}

describe.each(BINARIES)("%s", (binary) => {
  it.each(SHAPES)("neither writes nor relies on anything outside its regions: %o", (shape) => {
    const clean = loadKernel(binary, shape);
    const expected = run(clean, shape, placePages(clean), 1);

    const kernel = loadKernel(binary, shape);
    const pages = placePages(kernel);
    soil(kernel, pages);
    expect(run(kernel, shape, pages, 1)).toEqual(expected);
    expect(trespasses(kernel, pages)).toEqual([]);
    expect(expected.every(Number.isFinite)).toBe(true);

    // Again on pages that hold another run's keys and values.
    run(kernel, shape, pages, 2);
    kernel.floats("features").fill(0);
    expect(run(kernel, shape, pages, 1)).toEqual(expected);
  });
});

it("lays regions out in order, apart by at least a guard, before the pages", () => {
  for (const shape of SHAPES) {
    const { regions, pagesAddress, pageBytes } = layoutOf(shape);
    let end = 0;
    for (const { address, bytes } of regions) {
      expect(address).toBeGreaterThanOrEqual(end + GUARD);
      expect(address % 64).toBe(0);
      expect(Number.isInteger(bytes)).toBe(true);
      end = address + bytes;
    }
    expect(pagesAddress).toBeGreaterThanOrEqual(end + GUARD);
    expect(pageBytes).toBe(shape.layers * PAGE_POSITIONS * (2 * shape.width + 8 * shape.heads));
  }
});
