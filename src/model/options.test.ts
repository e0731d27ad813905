import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeBundle } from "../../test/doubles/bundle.ts";
import { UserError } from "../errors.ts";
import { completionSpec, featureLayer } from "./options.ts";
import type { CompletionOptions, Model } from "./types.ts";

const model: Model = {
  id: "m",
  version: "1",
  parameters: 1,
  layers: 8,
  width: 16,
  heads: 2,
  resolution: 32,
  colors: 512,
  embeddingLayer: 5,
  edgeSamples: 16,
  edgeCandidates: 16,
  testNllPerPixel: null,
  recommended: null,
  manifest: makeBundle("m", "1").manifest,
};

function refusal(samples: number, options?: CompletionOptions): string {
  try {
    completionSpec(model, samples, options);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect(error).toHaveProperty("code", "BAD_OPTION");
    return (error as UserError).message;
  }
  throw new Error(`accepted: ${JSON.stringify(options)}`);
}

test("defaults: the upper half, temperature 1, no top-k or top-p, a random seed", () => {
  const spec = completionSpec(model, 1);
  expect(spec).toMatchObject({
    samples: 1,
    keepRows: 16,
    execution: "AUTO",
    sampling: { temperature: 1, topK: 0, topP: 1 },
  });
  expect(spec.keep).toEqual(Array.from({ length: 1024 }, (_, i) => i < 512));
  const seeds = new Set(Array.from({ length: 20 }, () => completionSpec(model, 1).seed));
  expect(seeds.size).toBeGreaterThan(15);
  for (const seed of seeds) expect(seed).toBe(seed | 0);
});

test("null means not given", () => {
  const nulls = { keepRows: null, keep: null, temperature: null, topK: null, topP: null, seed: null, execution: null };
  expect({ ...completionSpec(model, 2, nulls), seed: 0 }).toEqual({ ...completionSpec(model, 2), seed: 0 });
});

test("every valid option is taken over as it is", () => {
  fc.assert(
    fc.property(
      fc.record({
        keepRows: fc.nat(31),
        temperature: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
        topK: fc.integer({ min: 1, max: 512 }),
        topP: fc.float({ min: 0, max: 1, minExcluded: true, noNaN: true }),
        seed: fc.integer(),
        execution: fc.constantFrom("AUTO" as const, "EDGE" as const, "ORIGIN" as const),
      }),
      fc.integer({ min: 1, max: 256 }),
      ({ keepRows, seed, execution, ...sampling }, samples) => {
        const spec = completionSpec(model, samples, { keepRows, seed, execution, ...sampling });
        expect(spec).toMatchObject({
          samples,
          keepRows,
          seed,
          execution,
          sampling: { ...sampling, temperature: sampling.temperature + 0 },
        });
        expect(spec.keep.indexOf(false)).toBe(keepRows * 32);
        expect(spec.keep.filter((given) => given)).toHaveLength(keepRows * 32);
      },
    ),
  );
});

test("keep: any flags but all true; keepRows counts the leading rows that are given in full", () => {
  fc.assert(
    fc.property(fc.nat(1023), fc.array(fc.boolean(), { minLength: 1023, maxLength: 1023 }), (hole, others) => {
      const keep = [...others.slice(0, hole), false, ...others.slice(hole)];
      const spec = completionSpec(model, 1, { keep });
      expect(spec.keep).toEqual(keep);
      const rows = Array.from({ length: 32 }, (_, row) => keep.slice(row * 32, row * 32 + 32).every(Boolean));
      expect(spec.keepRows).toBe(rows.indexOf(false));
    }),
    { numRuns: 30 },
  );
});

describe("what is out of range is refused with what is allowed", () => {
  const halves = Array.from({ length: 1024 }, (_, i) => i < 512);
  test.each<[string, number, CompletionOptions | undefined, RegExp]>([
    ["samples 0", 0, undefined, /samples must be an integer from 1 to 256/],
    ["samples -1", -1, undefined, /1 to 256/],
    ["samples 257", 257, undefined, /1 to 256/],
    ["samples 1.5", 1.5, undefined, /1 to 256/],
    ["keepRows -1", 1, { keepRows: -1 }, /keepRows must be an integer from 0 to 31/],
    ["keepRows 32", 1, { keepRows: 32 }, /0 to 31/],
    ["keepRows NaN", 1, { keepRows: Number.NaN }, /0 to 31/],
    ["keep too short", 1, { keep: halves.slice(1) }, /exactly 1024 flags.*1023/],
    ["keep empty", 1, { keep: [] }, /exactly 1024/],
    ["keep all true", 1, { keep: halves.map(() => true) }, /not all/],
    ["both", 1, { keepRows: 3, keep: halves }, /not both/],
    ["topK 0", 1, { topK: 0 }, /1 to 512; omit it/],
    ["topK 513", 1, { topK: 513 }, /1 to 512/],
    ["topK -1", 1, { topK: -1 }, /1 to 512/],
    ["topP 0", 1, { topP: 0 }, /greater than 0 and at most 1/],
    ["topP 1.0000001", 1, { topP: 1.0000001 }, /at most 1/],
    ["topP NaN", 1, { topP: Number.NaN }, /at most 1/],
    ["topP that float32 rounds to 0", 1, { topP: 1e-60 }, /greater than 0/],
    ["temperature -0.1", 1, { temperature: -0.1 }, /positive/],
    ["temperature NaN", 1, { temperature: Number.NaN }, /positive/],
    ["temperature Infinity", 1, { temperature: Infinity }, /positive/],
    ["temperature above float32", 1, { temperature: 1e39 }, /3.4e38/],
    ["temperature that float32 rounds to 0", 1, { temperature: 1e-60 }, /positive/],
    ["seed of 33 bits", 1, { seed: 2 ** 31 }, /-2147483648 to 2147483647/],
    ["seed 0.5", 1, { seed: 0.5 }, /integer/],
    ["candidates 0", 1, { candidates: 0 }, /candidates must be an integer from 1 to 32/],
    ["candidates 33", 1, { candidates: 33 }, /1 to 32/],
    ["candidates 1.5", 1, { candidates: 1.5 }, /1 to 32/],
  ])("%s", (_, samples, options, message) => {
    expect(refusal(samples, options)).toMatch(message);
  });
});

test("candidates count where a given pixel comes after a generated one and there is more than one way to draw", () => {
  const hole = Array.from({ length: 1024 }, (_, i) => i < 512 || i >= 600);
  const candidates = (options: CompletionOptions) => completionSpec(model, 1, { candidates: 8, ...options }).candidates;
  expect(candidates({ keep: hole })).toBe(8);
  expect(candidates({ keep: hole, topP: 0.5, topK: 2, temperature: 0.1 })).toBe(8);
  expect(candidates({ keep: hole, candidates: 1 })).toBeUndefined();
  expect(candidates({ keep: hole, candidates: null })).toBeUndefined();
  expect(candidates({ keepRows: 20 })).toBeUndefined();
  expect(candidates({ keep: hole.map((_, i) => i < 512) })).toBeUndefined();
  expect(candidates({ keep: hole, temperature: 0 })).toBeUndefined();
  expect(candidates({ keep: hole, topK: 1 })).toBeUndefined();
});

test("layers 0 to the last are features; the default is the model's", () => {
  expect(featureLayer(model)).toBe(5);
  expect(featureLayer(model, null)).toBe(5);
  expect(featureLayer(model, 0)).toBe(0);
  expect(featureLayer(model, 8)).toBe(8);
  for (const layer of [-1, 9, 2.5])
    expect(() => featureLayer(model, layer)).toThrow(/layer must be an integer from 0 to 8/);
});
