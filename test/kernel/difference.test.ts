import { expect, it } from "vitest";
import { Difference } from "../../bench/loss/difference.ts";
import { addPlaces, type Place } from "../../bench/loss/walk.ts";

/** Logits of these probabilities, up to a constant. */
const logits = (...probabilities: number[]) => Float32Array.from(probabilities, (p) => Math.log(p) + 3);

it("is nothing between equals, whatever is added to all logits", () => {
  const difference = new Difference();
  difference.add("a", logits(0.2, 0.3, 0.5), Float32Array.of(Math.log(0.2), Math.log(0.3), Math.log(0.5)), 1);
  const { nats, kl, differing, worst, referenceNats } = difference.summary();
  for (const number of [nats, kl, differing, worst]) expect(number).toBeCloseTo(0, 6);
  expect(referenceNats).toBeCloseTo(-Math.log(0.3), 6);
});

it("counts nats of the forced colour, KL from the reference, and the uniforms that draw another colour", () => {
  const difference = new Difference();
  difference.add("a", logits(0.5, 0.5), logits(0.75, 0.25), 1);
  difference.add("b", logits(0.5, 0.5), logits(0.5, 0.5), 1);
  const { nats, natsError, kl, differing, worst, positions } = difference.summary();
  expect(positions).toBe(2);
  expect(nats).toBeCloseTo(Math.log(2) / 2, 6);
  // Sequences that differ by 0 and by log 2: standard deviation log 2 / sqrt 2, of two.
  expect(natsError).toBeCloseTo(Math.log(2) / 2, 6);
  expect(kl).toBeCloseTo((0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(0.5 / 0.25)) / 2, 6);
  // u in [0.5, 0.75) draws the second colour of one and the first of the other.
  expect(differing).toBeCloseTo(0.25 / 2, 6);
  expect(worst).toBeCloseTo(Math.log(2), 6);
});

it("refuses to compare two walks", () => {
  const place = (sequence: string, color: number): Place => ({ sequence, color, logits: logits(0.5, 0.5) });
  const add = (a: Place[], b: Place[]) => () => addPlaces(new Difference(), a, b);
  expect(add([place("0/0", 1)], [place("0/0", 0)])).toThrow(/another walk/);
  expect(add([place("0/0", 1)], [place("0/1", 1)])).toThrow(/another walk/);
  expect(add([place("0/0", 1)], [])).toThrow(/1 places, and 0/);
});
