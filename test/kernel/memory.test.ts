import { expect, it } from "vitest";
import type { Manifest } from "../../src/model/bundle/manifest.ts";
import { mostPositions } from "../../src/model/candidates/lineage.ts";
import { complete } from "../../src/model/complete.ts";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import { factory } from "../../src/model/engines/kernel/factory.ts";
import { layoutOf, PAGE_POSITIONS, requestBytes } from "../../src/model/engines/kernel/layout.ts";
import { PagePool } from "../../src/model/engines/kernel/pages.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { SoloSession } from "../../src/model/session.ts";
import type { CompletionSpec } from "../../src/model/types.ts";
import { load, PLAIN_SAMPLING, randomTokens, SMALL } from "./models.ts";
import { kernelModule } from "./modules.ts";
import { headerOf, randomStream } from "./random-weights.ts";

const WASM_PAGE = 65_536;

/** Half a context given, the rest generated; everything is given back. */
async function request(engine: KernelEngine, samples: number, given: number): Promise<void> {
  const prefix = engine.openPrefix();
  await prefix.append(randomTokens(given, SMALL.colors));
  const generation = engine.generate(prefix, samples, PLAIN_SAMPLING);
  const length = samples * (SMALL.positions - given);
  await generation.next({ forced: new Int32Array(length).fill(-1), uniforms: new Float32Array(length).fill(0.5) });
  generation.release();
  prefix.release();
}

it("grows by no more than it says, and uses again what was given back", async () => {
  for (const [samples, given] of [
    [1, 0],
    [1, 1],
    [3, 100],
    [8, 128],
    [2, 255],
  ] as const) {
    const engine = await load("kernel-r16", SMALL);
    const before = engine.residentBytes;
    await request(engine, samples, given);
    const grown = engine.residentBytes - before;
    // The memory grows by whole WASM pages.
    expect(grown).toBeLessThanOrEqual(engine.requestBytes(samples, given) + WASM_PAGE);
    expect(engine.requestBytes(samples, given)).toBeLessThanOrEqual(engine.requestBytes(samples));
    for (let i = 0; i < 3; i++) await request(engine, samples, given);
    expect(engine.residentBytes - before).toBe(grown);
  }
});

it("holds no more for a sample's candidates than a filter lets them differ by", async () => {
  const shape = { ...SMALL, positions: 1024 };
  const tokens = randomTokens(1024, shape.colors);
  const palette = Array.from({ length: shape.colors }, (_, i) => [i, i, i] as [number, number, number]);
  for (const [candidates, given] of [
    [8, 70],
    [3, 0],
    [16, 640],
  ] as const) {
    const engine = await load("kernel-r16", shape);
    const before = engine.residentBytes;
    const keep = Array.from({ length: 1024 }, (_, i) => i < given || (i > given && i % 32 > 3) || i > 960);
    const spec: CompletionSpec = {
      ...{ samples: 2, seed: 4, execution: "EDGE", keep, keepRows: 0, candidates },
      sampling: PLAIN_SAMPLING,
    };
    const session = new SoloSession(engine);
    const rows = complete(session, spec, tokens, candidates, palette);
    for (let step = await rows.next(); !step.done; step = await rows.next());
    const start = keep.indexOf(false);
    const planned = engine.requestBytes(candidates, start, mostPositions(candidates, start, 1024));
    const grown = engine.residentBytes - before;
    expect(grown).toBeLessThanOrEqual(planned + WASM_PAGE);
    expect(grown).toBeGreaterThan(planned / 3);
    // What would be needed if they shared nothing.
    if (candidates === 8) expect(planned).toBeLessThan(engine.requestBytes(candidates, start) / 2);
  }
});

it("shares the full pages of a prefix and copies the one that is begun", () => {
  const layout = layoutOf(SMALL);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(layout.pagesAddress / WASM_PAGE) });
  const pool = new PagePool(memory, layout);
  const page = pool.take();
  new Uint8Array(memory.buffer, page, layout.pageBytes).fill(7);
  pool.share(page);
  const copy = pool.copy(page);
  expect(copy).not.toBe(page);
  expect(new Uint8Array(memory.buffer, copy, layout.pageBytes).every((byte) => byte === 7)).toBe(true);
  expect(pool.held).toBe(2);
  pool.give(page);
  expect(pool.held).toBe(2);
  pool.give(page);
  expect(pool.held).toBe(1);
  expect(pool.take()).toBe(page);
  expect(requestBytes(layout, 4, 2 * PAGE_POSITIONS) - requestBytes(layout, 3, 2 * PAGE_POSITIONS)).toBe(
    2 * layout.pageBytes,
  );
});

it("fits iGPT-S with one sample, and says so before anything is loaded", () => {
  const shape = { layers: 24, width: 512, heads: 8, positions: 1024, colors: 512, resolution: 32, bias: false };
  const manifest = { id: "igpt-s", version: "1", precision: "int8", architecture: shape } as Manifest;
  const plan = factory.plan(manifest);
  expect(plan.loadBytes + plan.requestBytes(1)).toBeLessThan(104 * 2 ** 20);
  expect(plan.loadBytes + plan.requestBytes(2)).toBeGreaterThan(128 * 2 ** 20);
  for (const wrong of [{ width: 500 }, { heads: 64 }, { colors: 3 }]) {
    const architecture = { ...shape, ...wrong };
    expect(() => factory.plan({ ...manifest, architecture })).toThrow(/damaged/);
  }
  expect(() => factory.plan({ ...manifest, precision: "fp16" })).toThrow(/fp16/);
});

it("loads no file but one of its own shape, whole", async () => {
  const other: KernelShape = { ...SMALL, layers: 3 };
  const module = kernelModule("kernel-r16");
  await expect(KernelEngine.load("kernel", module, SMALL, randomStream(other, 1))).rejects.toThrow(/is F32 .* not F32/);
  await expect(KernelEngine.load("kernel", module, other, randomStream(SMALL, 1))).rejects.toThrow(/missing|is F32/);
  const short = { header: headerOf(SMALL), data: (async function* () {})() };
  await expect(KernelEngine.load("kernel", module, SMALL, short)).rejects.toThrow(/0 of/);
  const aborted = AbortSignal.abort(new Error("nobody waits"));
  await expect(KernelEngine.load("kernel", module, SMALL, randomStream(SMALL, 1), aborted)).rejects.toThrow(
    "nobody waits",
  );
});

it("is unusable once released", async () => {
  const engine = await load("kernel-r16", SMALL);
  const prefix = engine.openPrefix();
  prefix.release();
  await expect(prefix.append(Int32Array.of(1))).rejects.toThrow(/released/);
  expect(() => engine.generate(prefix, 1, PLAIN_SAMPLING)).toThrow(/released/);
  engine.release();
  expect(() => engine.openPrefix()).toThrow(/released/);
  expect(engine.residentBytes).toBe(0);
});
