import fc from "fast-check";
import { expect, test } from "vitest";
import { makeBundle } from "../../test/doubles/bundle.ts";
import { UserError } from "../errors.ts";
import { edgePlan, edgeSamplesOf } from "./edge-plan.ts";
import type { EngineFactory, MemoryPlan } from "./engine-factory.ts";

const MIB = 2 ** 20;
const { manifest } = makeBundle("m", "1");

function factoryOf(plan: () => MemoryPlan): EngineFactory {
  return { name: "kernel", plan, load: () => Promise.reject(new Error("must not be loaded")) };
}

const linear = (residentBytes: number, loadBytes: number, prefix: number, sample: number) =>
  factoryOf(() => ({ residentBytes, loadBytes, requestBytes: (samples) => prefix + samples * sample }));

test("what fits runs at once, up to a bound; more runs in batches, up to another", () => {
  const limits = { capacity: 96 * MIB, reserve: 16 * MIB, maxSamples: 16 };
  expect(edgePlan(manifest, linear(8 * MIB, 9 * MIB, 4 * MIB, 4 * MIB), limits)).toMatchObject({
    batch: 8,
    edgeSamples: 16,
  });
  expect(edgePlan(manifest, linear(60 * MIB, 70 * MIB, 4 * MIB, 6 * MIB), limits)).toMatchObject({
    batch: 2,
    edgeSamples: 8,
  });
  // The first sample may use the reserve.
  expect(edgePlan(manifest, linear(70 * MIB, 75 * MIB, 10 * MIB, 16 * MIB), limits)).toMatchObject({
    batch: 1,
    edgeSamples: 4,
  });
});

test("a known prefix leaves room for more samples at once, and never for fewer", () => {
  const limits = { capacity: 96 * MIB, reserve: 16 * MIB, maxSamples: 16 };
  const shared = factoryOf(() => ({
    residentBytes: 40 * MIB,
    loadBytes: 41 * MIB,
    requestBytes: (samples, given = 0) => 10 * MIB * (1 + samples * (1 - given / 1024)),
  }));
  expect(edgePlan(manifest, shared, limits).batch).toBe(3);
  expect(edgePlan(manifest, shared, limits, 512).batch).toBe(6);
  expect(edgePlan(manifest, shared, limits, 1000).batch).toBe(8);
});

test("candidates: what fits beside the reserve, by what a filter lets them hold; samples so that their candidates are not too many", () => {
  const limits = { capacity: 96 * MIB, reserve: 16 * MIB, maxSamples: 16 };
  // 64 positions take 1 MiB: 4 a candidate, and of a picture of 64 positions one.
  const blocks = factoryOf(() => ({
    residentBytes: 30 * MIB,
    loadBytes: 31 * MIB,
    requestBytes: (samples, _, own = 1024 * samples) => MIB * Math.min(own / 64, 16 * samples),
  }));
  const plan = edgePlan(manifest, blocks, limits);
  expect(plan).toEqual({ batch: 3, edgeSamples: 12, edgeCandidates: 12 });
  expect(edgePlan(manifest, linear(MIB, MIB, 0, MIB), limits).edgeCandidates).toBe(32);
  expect([1, 2, 8, 12, 13].map((candidates) => edgeSamplesOf(plan, { candidates }))).toEqual([12, 12, 12, 10, 0]);
  expect(edgeSamplesOf({ edgeSamples: 16, edgeCandidates: 32 }, { candidates: 32 })).toBe(4);
});

test("what cannot run here is for an origin: too large, too large to load, fp16, a shape the engine has no code for", () => {
  const limits = { capacity: 96 * MIB, reserve: 16 * MIB, maxSamples: 16 };
  const none = { batch: 0, edgeSamples: 0, edgeCandidates: 0 };
  const small = linear(MIB, MIB, MIB, MIB);
  expect(edgePlan(manifest, linear(80 * MIB, 80 * MIB, MIB, 16 * MIB), limits)).toEqual(none);
  expect(edgePlan(manifest, linear(20 * MIB, 97 * MIB, MIB, MIB), limits)).toEqual(none);
  expect(edgePlan({ ...manifest, precision: "fp16" }, small, limits)).toEqual(none);
  const refuses = factoryOf(() => {
    throw new UserError("MODEL_CORRUPT", "width");
  });
  expect(edgePlan(manifest, refuses, limits)).toEqual(none);
  expect(edgePlan(manifest, small, limits).batch).toBe(8);
});

test("a batch and its model always fit the budget", () => {
  const size = fc.integer({ min: 1, max: 120 });
  fc.assert(
    fc.property(
      size,
      size,
      size,
      size,
      fc.nat(40),
      fc.integer({ min: 1, max: 16 }),
      (r, load, p, s, reserve, maxSamples) => {
        const factory = linear(r, Math.max(r, load), p, s);
        const { batch, edgeSamples } = edgePlan(manifest, factory, { capacity: 128, reserve, maxSamples });
        const plan = factory.plan(manifest);
        if (batch === 0) expect(Math.max(plan.loadBytes, r + p + s)).toBeGreaterThan(128);
        else expect(Math.max(plan.loadBytes, r + p + batch * s)).toBeLessThanOrEqual(batch === 1 ? 128 : 128 - reserve);
        expect(edgeSamples).toBeLessThanOrEqual(maxSamples);
        expect(edgeSamples > 0).toBe(batch > 0);
      },
    ),
  );
});
