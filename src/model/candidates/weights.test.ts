import fc from "fast-check";
import { expect, test } from "vitest";
import { effectiveSize, pick, shares, systematic } from "./weights.ts";

const nats = fc.array(fc.double({ min: 0, max: 2000, noNaN: true }), { minLength: 1, maxLength: 32 });
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("shares are in proportion to the weights, however far from 1 those are", () => {
  const parts = shares(Float64Array.of(5000, 5000 + Math.log(3), 5000 + Math.log(6)));
  expect(parts[0]).toBeCloseTo(6 / 9, 12);
  expect(parts[1]).toBeCloseTo(2 / 9, 12);
  expect(parts[2]).toBeCloseTo(1 / 9, 12);
  expect(effectiveSize(parts)).toBeCloseTo(81 / 41, 12);
  expect(effectiveSize(shares(new Float64Array(7)))).toBeCloseTo(7, 12);
  expect(effectiveSize(shares(Float64Array.of(0, 900)))).toBeCloseTo(1, 12);
});

test("systematic resampling: each as often as its share says, rounded down or up, in order", () => {
  fc.assert(
    fc.property(nats, fc.integer({ min: 1, max: 40 }), unit, (values, n, u) => {
      const parts = shares(Float64Array.from(values));
      const ancestors = systematic(parts, n, u);
      expect(ancestors).toHaveLength(n);
      expect(Array.from(ancestors)).toEqual(Array.from(ancestors).sort((a, b) => a - b));
      parts.forEach((part, candidate) => {
        const times = ancestors.filter((ancestor) => ancestor === candidate).length;
        expect(times).toBeGreaterThanOrEqual(Math.floor(n * part - 1e-9));
        expect(times).toBeLessThanOrEqual(Math.ceil(n * part + 1e-9));
      });
    }),
  );
});

test("one is picked by its share", () => {
  const parts = Float64Array.of(0.25, 0, 0.75);
  expect([0, 0.24, 0.25, 0.6, 1 - 2 ** -24].map((u) => pick(parts, u))).toEqual([0, 0, 2, 2, 2]);
  // Shares that sum to less than 1 by rounding.
  expect(pick(Float64Array.of(0.5, 0.4999999, 0), 1 - 2 ** -24)).toBe(1);
});
