import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { load, randomTokens, reference, SMALL, score } from "./models.ts";
import type { Binary } from "./modules.ts";

const BINARY: Binary = "kernel-r16";

/** Mean and largest difference in nats to exact arithmetic on the same weights. */
const BOUNDS = { mean: 0.01, largest: 0.3 };

function compare(actual: readonly number[], expected: readonly number[]) {
  expect(actual).toHaveLength(expected.length);
  const differences = actual.map((nll, t) => nll - (expected[t] ?? Number.NaN));
  return {
    mean: Math.abs(differences.reduce((sum, d) => sum + d, 0) / differences.length),
    largest: differences.reduce((most, d) => Math.max(most, Math.abs(d)), 0),
  };
}

describe("the kernel", () => {
  it("gives the reference's likelihoods, given and forced, with and without biases", async () => {
    for (const bias of [false, true]) {
      const shape = { ...SMALL, bias };
      const tokens = randomTokens(200, shape.colors);
      const expected = reference(shape, tokens).nll;
      const [nll = []] = await score(await load(BINARY, shape), tokens, 90);
      const difference = compare(nll, expected);
      expect(difference.mean).toBeLessThan(BOUNDS.mean);
      expect(difference.largest).toBeLessThan(BOUNDS.largest);
    }
  });

  it("holds over a full context of 1,024 positions", async () => {
    const shape: KernelShape = { layers: 2, width: 32, heads: 1, positions: 1024, colors: 64, bias: false };
    const tokens = randomTokens(1024, shape.colors);
    const expected = reference(shape, tokens).nll;
    const engine = await load(BINARY, shape);
    for (const prefix of [0, 513, 1023]) {
      const [nll = []] = await score(engine, tokens, prefix);
      for (const [from, to] of [
        [0, 100],
        [900, 1024],
      ]) {
        const difference = compare(nll.slice(from, to), expected.slice(from, to));
        expect(difference.mean).toBeLessThan(BOUNDS.mean * 2);
        expect(difference.largest).toBeLessThan(BOUNDS.largest);
      }
    }
  });

  it("averages the reference's states over the prefix, layer by layer", async () => {
    const tokens = randomTokens(150, SMALL.colors);
    const { normed } = reference(SMALL, tokens);
    const prefix = (await load(BINARY, SMALL)).openPrefix();
    await prefix.append(tokens.subarray(0, 70));
    await prefix.append(tokens.subarray(70));
    const features = prefix.features();
    normed.forEach((states, l) => {
      for (let i = 0; i < SMALL.width; i++) {
        const mean = states.reduce((sum, state) => sum + (state[i] ?? Number.NaN), 0) / states.length;
        expect(features[l * SMALL.width + i]).toBeCloseTo(mean, 1);
        if (l === 0) expect(features[i]).toBeCloseTo(mean, 5);
      }
    });
  });

  it("runs any shape whose widths are multiples of 16, with the same bits without relaxed SIMD", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          layers: fc.integer({ min: 1, max: 3 }),
          heads: fc.integer({ min: 1, max: 3 }),
          headWidth: fc.constantFrom(16, 32, 48, 64),
          positions: fc.integer({ min: 1, max: 140 }),
          colors: fc.integer({ min: 4, max: 70 }),
          bias: fc.boolean(),
          prefix: fc.nat({ max: 140 }),
          samples: fc.integer({ min: 1, max: 5 }),
        }),
        async ({ headWidth, prefix, samples, ...rest }) => {
          const shape: KernelShape = { ...rest, width: headWidth * rest.heads };
          const tokens = randomTokens(shape.positions, shape.colors);
          const expected = reference(shape, tokens, 5).nll;
          const scores = await score(await load(BINARY, shape, 5), tokens, Math.min(prefix, tokens.length), samples);
          for (const nll of scores) expect(compare(nll, expected).mean).toBeLessThan(BOUNDS.mean * 10);
          const plain = await load("kernel-r16-plain", shape, 5);
          expect(await score(plain, tokens, Math.min(prefix, tokens.length), samples)).toEqual(scores);
        },
      ),
      { numRuns: 15 },
    );
  }, 120_000);
});
