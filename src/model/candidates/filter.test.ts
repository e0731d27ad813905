import fc from "fast-check";
import { expect, test } from "vitest";
import { uniform } from "../sampling/uniforms.ts";
import { CandidateFilter, type FilterOptions } from "./filter.ts";
import { mostBlocks } from "./lineage.ts";
import type { Palette } from "./outlook.ts";
import { stepsOf, weighedEnd } from "./steps.ts";
import { pick } from "./weights.ts";

const COLORS = 3;
const DRAWS = 2000;
const palette: Palette = [
  [0, 0, 0],
  [8, 4, 0],
  [8, 8, 8],
];

/** A model of its own: the distribution of the next colour, any function of those before it. */
type Model = (before: ArrayLike<number>) => number[];

/** By the colour to the left, by the one above, and a little by all. */
function modelOf(side: number): Model {
  return (before) => {
    const [left, above] = [before[before.length - 1] ?? 0, before[before.length - side] ?? 1];
    const sum = Array.from(before).reduce((total, color, i) => total + color * ((i % 5) + 1), 0);
    const weights = [0, 1, 2].map((color) =>
      Math.exp((color === left ? 0.9 : 0) + (color === above ? 1.6 : 0) + 0.3 * Math.sin(sum + 2 * color)),
    );
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  };
}

/** Runs a filter on a model, as an engine's driver does. */
function run(options: FilterOptions, model: Model, between: (filter: CandidateFilter) => void = () => {}) {
  const filter = new CandidateFilter(options);
  let pictures = Array.from({ length: options.candidates }, () =>
    Array.from(options.tokens.slice(0, options.keep.indexOf(false))),
  );
  for (const [n, step] of filter.steps.entries()) {
    const length = step.end - step.start;
    const { forced, uniforms } = filter.row(step.start, length);
    const tokens = new Int32Array(forced.length);
    const nll = new Float32Array(forced.length);
    pictures.forEach((picture, c) => {
      for (let i = 0; i < length; i++) {
        const place = c * length + i;
        const parts = model(picture);
        const given = forced[place] ?? -1;
        const color = given === -1 ? pick(Float64Array.from(parts), uniforms[place] ?? 0) : given;
        tokens[place] = color;
        nll[place] = -Math.log(parts[color] ?? 0);
        picture.push(color);
      }
    });
    filter.take(step.start, length, { tokens, nll });
    between(filter);
    const next = filter.steps[n + 1];
    const ancestors = next && filter.weigh(next);
    if (ancestors) pictures = Array.from(ancestors, (ancestor) => (pictures[ancestor] ?? []).slice());
  }
  return filter;
}

/** The posterior of the generated pixels given all given ones, by going through all pictures. */
function posterior(model: Model, tokens: Int32Array, keep: readonly boolean[]): Map<string, number> {
  const found = new Map<string, number>();
  const go = (before: number[], weight: number) => {
    const position = before.length;
    if (position === keep.length) {
      found.set(before.filter((_, i) => !keep[i]).join(""), weight);
      return;
    }
    const parts = model(before);
    for (let color = 0; color < COLORS; color++) {
      if (keep[position] && color !== tokens[position]) continue;
      go([...before, color], weight * (position < keep.indexOf(false) ? 1 : (parts[color] ?? 0)));
    }
  };
  go([], 1);
  const total = [...found.values()].reduce((a, b) => a + b, 0);
  return new Map([...found].map(([hole, weight]) => [hole, weight / total]));
}

/** Half the sum of differences: 0 = the same distribution, 1 = nothing in common. */
function distance(exact: Map<string, number>, drawn: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const hole of drawn) counts.set(hole, (counts.get(hole) ?? 0) + 1);
  let sum = 0;
  for (const hole of new Set([...exact.keys(), ...counts.keys()])) {
    sum += Math.abs((exact.get(hole) ?? 0) - (counts.get(hole) ?? 0) / drawn.length);
  }
  return sum / 2;
}

test("samples come from the exact posterior, which plain forcing misses", () => {
  const side = 4;
  const model = modelOf(side);
  // Four pixels that given ones surround: 81 ways.
  const keep = Array.from({ length: side * side }, (_, i) => ![5, 6, 9, 10].includes(i));
  const tokens = Int32Array.from([0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 2, 2, 2, 2, 2]);
  const exact = posterior(model, tokens, keep);
  expect(exact.size).toBe(81);
  const draw = (candidates: number) =>
    Array.from({ length: DRAWS }, (_, sample) => {
      const filter = run({ candidates, seed: 5, sample, keep, side, tokens, palette }, model);
      return Array.from(filter.finished().tokens)
        .filter((_, i) => !keep[i])
        .join("");
    });
  // What as many exact draws are apart from their own distribution.
  const ways = [...exact.keys()];
  const parts = Float64Array.from(exact.values());
  const ideal = Array.from({ length: DRAWS }, (_, i) => ways[pick(parts, uniform(99, i, 0))] ?? "");
  const noise = distance(exact, ideal);
  const [plain, few, many] = [1, 8, 100].map((candidates) => distance(exact, draw(candidates)));
  expect(plain).toBeGreaterThan(0.3);
  expect(few).toBeLessThan((plain ?? 0) * 0.6);
  expect(many).toBeLessThan(noise + 0.03);
});

test("a sample's nats are those of its generated pixels, through all resampling", () => {
  const side = 6;
  const model = modelOf(side);
  const keep = Array.from({ length: side * side }, (_, i) => i < 8 || i % side > 3 || i >= 30);
  const tokens = Int32Array.from({ length: side * side }, (_, i) => (i * i) % COLORS);
  for (let sample = 0; sample < 20; sample++) {
    const { tokens: picture, nats } = run(
      { candidates: 8, seed: 1, sample, keep, side, tokens, palette },
      model,
    ).finished();
    let sum = 0;
    picture.forEach((color, i) => {
      if (!keep[i]) sum -= Math.log(model(Array.from(picture.slice(0, i)))[color] ?? 0);
      else expect(color).toBe(tokens[i]);
    });
    expect(nats).toBeCloseTo(sum, 3);
  }
});

test("steps go through all that is weighed, each from a generated pixel or in rows without", () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.array(fc.double(), { minLength: 256, maxLength: 256 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (hole, values, share) => {
        const keep = values.map((value, i) => i !== hole && (Math.abs(value) % 1 || 0) < share);
        const steps = stepsOf(keep, 16);
        expect(steps[0]?.start).toBe(keep.indexOf(false));
        expect(steps.at(-1)?.end).toBe(weighedEnd(keep, 16));
        for (const [i, { start, end, generates }] of steps.entries()) {
          expect(end).toBeGreaterThan(start);
          if (i > 0) expect(steps[i - 1]?.end).toBe(start);
          expect(generates).toBe(!keep[start]);
          expect(keep.slice(start, end).filter((given) => !given).length).toBeLessThanOrEqual(4);
          if (!generates) expect(end - start).toBeLessThanOrEqual(16 + 15);
        }
      },
    ),
  );
});

test("candidates never hold more blocks than memory is planned for", () => {
  const side = 32;
  const noise =
    (seed: number): Model =>
    (before) => {
      const u = uniform(seed, before.length, before[before.length - 1] ?? 0);
      return [0.2 + 0.4 * u, 0.6 - 0.4 * u, 0.2];
    };
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 2, max: 32 }),
      fc.nat(900),
      fc.nat(40),
      (seed, candidates, first, given) => {
        // Nearly nothing tells candidates apart, and they are long: the most that they can differ.
        const keep = Array.from({ length: side * side }, (_, i) => i < first || i % 41 < given % 40 || i > 1000);
        keep[first] = false;
        const tokens = new Int32Array(side * side);
        run({ candidates, seed, sample: 0, keep, side, tokens, palette }, noise(seed), ({ blocks }) => {
          expect(blocks).toBeLessThanOrEqual(mostBlocks(candidates, keep.indexOf(false), keep.length));
        });
      },
    ),
    { numRuns: 30 },
  );
});
