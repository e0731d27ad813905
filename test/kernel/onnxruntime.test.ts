/**
 * The kernel against onnxruntime-web on the same weights, distribution by distribution: colours forced, caches and all,
 * every context from 1 to 1,024 positions, 1 to 8 samples, on the trained weights and on random ones of many shapes.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { PNG } from "pngjs";
import { beforeAll, describe, expect, it } from "vitest";
import { Difference, type Summary } from "../../bench/loss/difference.ts";
import { openLogitsGraph } from "../../bench/loss/graph.ts";
import { forceKernel } from "../../bench/loss/kernel.ts";
import { addPlaces, type Place, type Walk, walk } from "../../bench/loss/walk.ts";
import { flatPalette, toTokens } from "../../src/image/palette.ts";
import { Kernel } from "../../src/model/engines/kernel/kernel.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { startRuntime } from "../../src/model/engines/ort/runtime.ts";
import { type Golden, loadGolden } from "../golden/load.ts";
import { loadShapes } from "../golden/shapes.ts";
import { loadKernel, randomTokens } from "./models.ts";
import { type Binary, kernelModule } from "./modules.ts";
import { randomTensors } from "./random-weights.ts";

const PICTURES = join(import.meta.dirname, "../../web/pictures/32");

type Bounds = Pick<Summary, "nats" | "kl" | "differing" | "worst">;

// Two to four times what was measured. A share of differing colours is large where a distribution is flat: a small shift
// of the cumulative sum there is another colour that is about as likely.
const TRAINED: Bounds = { nats: 0.005, kl: 0.003, differing: 0.35, worst: 0.8 };
const RANDOM: Bounds = { nats: 0.01, kl: 0.0006, differing: 0.4, worst: 0.3 };

/** determinism.test.ts holds the other builds to the same bits. */
const BINARY: Binary = "kernel-r16";

function compare(reference: readonly Place[], other: readonly Place[]) {
  const difference = new Difference();
  addPlaces(difference, reference, other);
  return difference.summary();
}

function expectWithin(reference: readonly Place[], other: readonly Place[], bounds: Bounds): void {
  const { nats, kl, differing, worst } = compare(reference, other);
  expect(Math.abs(nats)).toBeLessThan(bounds.nats);
  expect(kl).toBeLessThan(bounds.kl);
  expect(differing).toBeLessThan(bounds.differing);
  expect(worst).toBeLessThan(bounds.worst);
}

function pictureTokens(name: string, palette: readonly (readonly number[])[]): Int32Array {
  const { data } = PNG.sync.read(readFileSync(join(PICTURES, `${name}.png`)));
  const rgb = new Uint8Array((data.length / 4) * 3).map((_, i) => data[Math.floor(i / 3) * 4 + (i % 3)] ?? 0);
  return toTokens({ side: 32, rgb }, flatPalette(palette));
}

/** A picture, and from many of its prefixes one to eight samples that go on as other pictures do there. */
function walkOf(given: Int32Array, others: readonly Int32Array[]): Walk {
  const stops = [
    { at: 0, samples: 8, steps: 33 },
    { at: 1, samples: 1, steps: 8 },
    { at: 63, samples: 2, steps: 8 },
    { at: 64, samples: 3, steps: 8 },
    { at: 130, samples: 4, steps: 8 },
    { at: 255, samples: 5, steps: 8 },
    { at: 511, samples: 6, steps: 8 },
    { at: 700, samples: 7, steps: 8 },
    { at: 992, samples: 8, steps: 32 },
  ];
  const forks = stops.map(({ at, samples, steps }) => ({
    at,
    samples: Array.from({ length: samples }, (_, b) => others[b]?.subarray(at, at + steps) ?? new Int32Array()),
  }));
  return { given, forks };
}

function kernelOf(binary: Binary, golden: Golden): [Kernel, KernelShape] {
  const shape = { ...golden.shape, bias: golden.bias };
  const kernel = new Kernel(kernelModule(binary), shape);
  const file = golden.file("weights.safetensors");
  const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
  kernel.writeWeights(0, file.subarray(8 + headerBytes));
  kernel.prepare();
  return [kernel, shape];
}

describe.each(["shipped", "tiny"] as const)("the weights of %s", (name) => {
  const golden = loadGolden(name);
  let steps: Walk;
  let reference: Place[];
  beforeAll(async () => {
    const { palette } = JSON.parse(Buffer.from(golden.file("manifest.json")).toString()) as { palette: number[][] };
    const pictures = ["astronaut", "camera", "chelsea", "coffee", "horse", "hubble", "retina", "rocket"];
    const [first, ...rest] = pictures.map((picture) => pictureTokens(picture, palette));
    if (!first) throw new Error("no pictures");
    steps = walkOf(first, [...rest, first.toReversed()]);
    const graph = readFileSync(join(import.meta.dirname, `../golden/${name}-logits.onnx.gz`));
    const weights = golden.file("weights.safetensors");
    const opened = await openLogitsGraph(await startRuntime(wasmModule), graph, weights, golden.shape);
    reference = await walk(opened.begin(), steps);
    await opened.release();
  });

  it("the kernel has onnxruntime's distributions", async () => {
    const places = await walk(forceKernel(...kernelOf(BINARY, golden)), steps);
    const bounds = name === "shipped" ? TRAINED : RANDOM;
    expectWithin(reference, places, bounds);
    // The longest contexts by themselves: a mistake there would vanish among the others.
    const late = (place: Place) => place.sequence.startsWith("8/");
    expectWithin(reference.filter(late), places.filter(late), { ...bounds, nats: 2 * bounds.nats });
  });
});

describe("random weights of many shapes", () => {
  const shapes = loadShapes();

  it("the kernel has onnxruntime's distributions", async () => {
    const runtime = await startRuntime(wasmModule);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...shapes),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        async ({ shape, dataOffset, graph }, seed, samples, place) => {
          const data = Buffer.concat([...randomTensors(shape, seed)]);
          const weights = new Uint8Array(dataOffset + data.length);
          weights.set(data, dataOffset);
          const at = place % shape.positions;
          const colors = (b: number) => randomTokens(shape.positions, shape.colors, seed + b);
          const samplesOf = Array.from({ length: samples }, (_, b) => colors(b + 1).subarray(at, at + 40));
          const steps = { given: colors(0), forks: [{ at, samples: samplesOf }] };
          const opened = await openLogitsGraph(runtime, graph, weights, shape);
          const reference = await walk(opened.begin(), steps);
          await opened.release();
          expectWithin(reference, await walk(forceKernel(loadKernel(BINARY, shape, seed), shape), steps), RANDOM);
        },
      ),
      // The same ones every time: bounds on random numbers would fail some day.
      { numRuns: 10, seed: 20261122 },
    );
  });
});

it("sees a wrong cache: the bounds are no formality", async () => {
  const golden = loadGolden("shipped");
  const { palette } = JSON.parse(Buffer.from(golden.file("manifest.json")).toString()) as { palette: number[][] };
  const tokens = pictureTokens("coffee", palette).subarray(0, 320);
  const [kernel, shape] = kernelOf("kernel-r16", golden);
  const steps = { given: tokens, forks: [{ at: 128, samples: [tokens.subarray(128, 160)] }] };
  const right = await walk(forceKernel(kernel, shape), steps);
  expect(compare(right, right)).toMatchObject({ nats: 0, kl: 0, worst: 0 });
  // One colour of the context changed: what a page written to the wrong place would do.
  const wrong = tokens.slice();
  wrong.set([0], 100);
  const other = await walk(forceKernel(kernel, shape), { given: wrong, forks: steps.forks });
  const after = (places: readonly Place[]) => places.filter(({ sequence }) => sequence === "0/0");
  expect(compare(after(right), after(other)).kl).toBeGreaterThan(TRAINED.kl);
});
