/** The shipped models, from a real R2 through the facade, on each real engine. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { MemoryBudget } from "../../src/admission/budget.ts";
import type { Engine } from "../../src/model/engine.ts";
import type { EngineFactory } from "../../src/model/engine-factory.ts";
import { engineFactory } from "../../src/model/engines/index.ts";
import { ModelService } from "../../src/model/service.ts";
import type { CompletedSample, CompletionOptions, Model } from "../../src/model/types.ts";
import { openBucket } from "../doubles/bundle.ts";

const MIB = 2 ** 20;
/** A picture with some structure: diagonal bands of a few colours. */
const picture = Int32Array.from({ length: 1024 }, (_, pixel) => (((pixel % 32) + (pixel >> 5)) >> 2) * 31);

let bucket: R2Bucket;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ bucket, close } = await openBucket());
  const assets = join(ROOT, "r2-assets");
  for (const entry of readdirSync(assets, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) await bucket.put(path.slice(assets.length + 1), readFileSync(path));
  }
});
afterAll(() => close());

describe.each([
  ["kernel", "igpt-base"],
  // As float32, which the other engine holds, igpt-base does not fit an isolate.
  ["onnx", "igpt-small"],
] as const)("%s, %s", (name, id) => {
  const budget = new MemoryBudget({ capacity: 104 * MIB });
  let service: ModelService;
  let model: Model;
  let factory: EngineFactory;
  let engine: Engine | undefined;
  beforeAll(async () => {
    const real = await engineFactory(name);
    factory = {
      name: real.name,
      plan: (manifest) => real.plan(manifest),
      load: async (...args) => {
        engine = await real.load(...args);
        return engine;
      },
    };
    service = new ModelService({ bucket, engine: async () => factory, budget, waitUntil: () => {} });
    model = await service.model(id);
  });

  async function complete(samples: number, options: CompletionOptions, tokens = picture): Promise<CompletedSample[]> {
    return (await service.completed(model, tokens, service.plan(model, samples, options))).samples;
  }

  test("runs at least four samples ", () => {
    expect(model.edgeSamples).toBeGreaterThanOrEqual(4);
    expect(model.manifest.palette).toHaveLength(512);
  });

  test("sample i is the same for any number of samples, and another for another seed", async () => {
    const options = { keepRows: 31, seed: 11 };
    const three = await complete(3, options);
    expect(await complete(1, options)).toEqual(three.slice(0, 1));
    expect(new Set(three.map(({ tokens }) => tokens.join())).size).toBe(3);
    expect(await complete(1, { ...options, seed: 12 })).not.toEqual(three.slice(0, 1));
  });

  test("given pixels are the input's; those not given do not matter", async () => {
    const mask = fc.array(fc.boolean(), { minLength: 32, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(mask, fc.nat(31), async (flags, hole) => {
        // Most of the picture given, so that the rows to be made are few.
        const keep = Array.from({ length: 1024 }, (_, i) => i < 992 || (flags[i - 992] === true && i - 992 !== hole));
        const [sample] = await complete(1, { keep, seed: 3 });
        keep.forEach((given, pixel) => {
          if (given) expect(sample?.tokens[pixel]).toBe(picture[pixel]);
        });
        const noise = picture.map((token, pixel) => (keep[pixel] ? token : 511 - token));
        expect(await complete(1, { keep, seed: 3 }, noise)).toEqual([sample]);
      }),
      { numRuns: name === "kernel" ? 2 : 1 },
    );
  });

  // Of the facade; greedy sampling is in either engine's own tests too.
  test.runIf(name === "kernel")("temperature 0 takes the likeliest colour: no other one has a lower nll", async () => {
    const keep = Array.from({ length: 1024 }, (_, pixel) => pixel !== 1000);
    const [greedy] = await complete(1, { keep, temperature: 0 });
    const seeds = [1, 2].map((seed) => complete(1, { keep, seed }));
    for (const [sampled] of await Promise.all(seeds)) {
      expect(greedy?.nllPerPixel).toBeLessThanOrEqual(sampled?.nllPerPixel ?? 0);
    }
  });

  test("a completion's nll is what likelihood says of the finished picture", async () => {
    const [sample] = await complete(1, { keepRows: 28, seed: 5 });
    const { perPixel, nllPerPixel, bitsPerPixel } = await service.likelihood(model, sample?.tokens ?? []);
    const generated = perPixel.subarray(28 * 32);
    const mean = generated.reduce((sum, nats) => sum + nats, 0) / generated.length;
    // Equal but for how prefix and rows round their sums.
    expect(Math.abs(mean - (sample?.nllPerPixel ?? 0))).toBeLessThan(0.02);
    expect(bitsPerPixel).toBeCloseTo(nllPerPixel / Math.LN2, 10);
  });

  test("embed: a vector of the model's width, another one for another layer and picture", async () => {
    const { vector, layer } = await service.embed(model, picture);
    expect([vector.length, layer]).toEqual([model.width, model.embeddingLayer]);
    expect(vector.every(Number.isFinite)).toBe(true);
    expect((await service.embed(model, picture, 0)).vector).not.toEqual(vector);
    const [again, reversed] = await service.embedMany(model, [picture, picture.toReversed()]);
    expect(again?.vector).toEqual(vector);
    expect(reversed?.vector).not.toEqual(vector);
  });

  test("the engine holds no more than was planned for what it ran", async () => {
    const plan = factory.plan(model.manifest);
    for (const samples of [1, 2]) {
      await complete(samples, { keepRows: 31 });
      expect(engine?.residentBytes).toBeGreaterThan(5 * MIB);
      expect(engine?.residentBytes).toBeLessThanOrEqual(plan.residentBytes + plan.requestBytes(4));
    }
  });

  test.runIf(name === "kernel")("what ran gave its memory back: the budget holds the engine alone", async () => {
    const before = budget.used;
    await complete(2, { keepRows: 31 });
    expect(budget.used).toBe(before);
    expect(budget.waiting).toBe(0);
    const all = await budget.acquire(budget.capacity);
    all.release();
    expect(budget.used).toBe(0);
  });
});
