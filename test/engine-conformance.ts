/** What every engine must do, whatever its arithmetic. Call it inside a test file of the engine. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, type Generation, PREFIX_CHUNK, type Prefix, type Sampling } from "../src/model/engine.ts";
import { type Golden, type GoldenCase, type GoldenName, GREEDY_PIXELS, loadGolden } from "./golden/load.ts";
import { expectedColor } from "./golden/sampling-rule.ts";

/** How far an engine's arithmetic may be from exact arithmetic on the same weights. */
export interface Tolerance {
  /** The most that the nats of one pixel may differ by. */
  nll: number;
  /** The most that their mean over a case may differ by. */
  meanNll: number;
  /** The same over the colours of one pixel, which share the rounding of its state. Default: `meanNll`. */
  meanLogits?: number;
  /** The most that a feature may differ by, relative to the largest one of its layer. */
  features: number;
  /** Where the best two logits are closer than this, either may be the likeliest. */
  tie: number;
}

/** How far the logits that an engine's own nats tell are from those it samples by. */
const OWN_ROUNDING = 2e-4;
const PLAIN: Sampling = { temperature: 1, topK: 0, topP: 1 };
const GREEDY: Sampling = { temperature: 0, topK: 0, topP: 1 };

/** @param makeEngine loads the model of the golden values; the suite releases it */
export function engineConformance(
  makeEngine: (golden: Golden) => Promise<Engine>,
  tolerance: Tolerance,
  models: readonly GoldenName[] = ["tiny", "biased"],
): void {
  describe.each(models)("%s", (name) => {
    const golden = loadGolden(name);
    let engine: Engine;
    beforeAll(async () => {
      engine = await makeEngine(golden);
    });
    afterAll(() => engine.release());

    describe.each(golden.cases.map((c) => [c.name, c] as const))("golden values, %s", (_, golden) => {
      goldenValues(() => engine, golden, tolerance);
    });
    if (name !== "shipped") behaviour(() => engine, golden);
  });
}

function goldenValues(engine: () => Engine, golden: GoldenCase, tolerance: Tolerance): void {
  let prefix: Prefix;
  let prefixNll: Float32Array;
  beforeAll(async () => {
    prefix = engine().openPrefix();
    prefixNll = await appendAll(prefix, golden.given);
  });
  afterAll(() => prefix.release());

  test("nats of the given pixels", () => {
    expect(prefix.length).toBe(golden.given.length);
    expectNats(prefixNll, golden.prefixNll, tolerance);
  });

  test("features", () => {
    const features = prefix.features();
    expect(features.length).toBe(golden.features.length);
    const width = engine().shape.width;
    for (let start = 0; start < features.length; start += width) {
      const right = golden.features.subarray(start, start + width);
      const largest = Math.max(...right.map(Math.abs));
      const difference = mostApart(features.subarray(start, start + width), right);
      expect(difference).toBeLessThanOrEqual(tolerance.features * largest);
    }
  });

  const greedy = golden.greedy.subarray(0, GREEDY_PIXELS);
  test.runIf(greedy.length > 0)("the greedy completion, to the first tie within rounding", async () => {
    const generation = engine().generate(prefix, 1, GREEDY);
    const { tokens } = await run(generation, free(1, greedy.length));
    generation.release();
    const tie = golden.greedyMargin.findIndex((margin) => margin < tolerance.tie);
    const sure = tie < 0 ? greedy.length : tie;
    expect(Array.from(tokens.subarray(0, sure))).toEqual(Array.from(greedy.subarray(0, sure)));
  });

  test.runIf(greedy.length > 0)("nats of the greedy completion when it is forced", async () => {
    const generation = engine().generate(prefix, 1, PLAIN);
    const { tokens, nll } = await run(generation, { ...free(1, greedy.length), forced: greedy });
    generation.release();
    expect(Array.from(tokens)).toEqual(Array.from(greedy));
    expectNats(nll, golden.greedyNll.subarray(0, GREEDY_PIXELS), tolerance);
  });

  test.runIf(golden.logits.length > 0)("logits of the first pixel that is not given", async () => {
    const most = Math.max(...golden.logits);
    const sum = golden.logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
    // Every colour of a small palette, of a large one some: each costs a sample.
    const colors = golden.logits
      .map((_, color) => color)
      .filter((color) => color % Math.ceil(golden.logits.length / 64) === 0);
    const right = colors.map((color) => most + Math.log(sum) - (golden.logits[color] ?? Number.NaN));
    const nats = await natsOf(engine(), prefix, Int32Array.from(colors));
    expectNats(nats, Float32Array.from(right), { ...tolerance, meanNll: tolerance.meanLogits ?? tolerance.meanNll });
  });
}

function behaviour(engine: () => Engine, { shape }: Golden): void {
  const given = Int32Array.from({ length: 45 }, (_, i) => (i * 29 + 3) % shape.colors);
  let prefix: Prefix;
  /** [C] of the pixel after the prefix. */
  let logits: Float32Array;
  beforeAll(async () => {
    prefix = engine().openPrefix();
    await prefix.append(given);
    const colors = Int32Array.from({ length: shape.colors }, (_, color) => color);
    logits = (await natsOf(engine(), prefix, colors)).map((nats) => -nats);
  });
  afterAll(() => prefix.release());

  test("shape and sizes", () => {
    expect(engine().shape).toMatchObject(shape);
    expect(engine().name).toMatch(/./);
    expect(engine().residentBytes).toBeGreaterThan(0);
    expect(engine().requestBytes(0)).toBeGreaterThan(0);
    expect(engine().requestBytes(3)).toBeGreaterThan(engine().requestBytes(1));
  });

  test("a prefix of fewer layers has the same features up to its own", async () => {
    const all = prefix.features();
    for (let layers = 0; layers <= shape.layers; layers++) {
      const part = engine().openPrefix({ layers, scored: false });
      await part.append(given.subarray(0, 20));
      await part.append(given.subarray(20));
      const end = (layers + 1) * shape.width;
      const whole = engine().openPrefix();
      await whole.append(given.subarray(0, 20));
      await whole.append(given.subarray(20));
      expect(part.features().subarray(0, end)).toEqual(whole.features().subarray(0, end));
      expect(mostApart(part.features().subarray(0, end), all.subarray(0, end))).toBeLessThan(1e-4 * Math.max(...all));
      part.release();
      whole.release();
    }
    expect(() => engine().openPrefix({ layers: shape.layers + 1 })).toThrow(RangeError);
    expect(() => engine().openPrefix({ layers: -1, scored: false })).toThrow(RangeError);
  });

  test("a prefix that is not scored goes on as one that is", async () => {
    const unscored = engine().openPrefix({ scored: false });
    await unscored.append(given);
    const [one, other] = [prefix, unscored].map((from) => engine().generate(from, 2, PLAIN));
    if (!one || !other) throw new Error("there are two");
    expect(await run(other, free(2, 24))).toEqual(await run(one, free(2, 24)));
    for (const made of [one, other, unscored]) made.release();
  });

  test("an empty prefix has no features", () => {
    const empty = engine().openPrefix();
    expect(empty.length).toBe(0);
    expect(empty.features()).toEqual(new Float32Array((shape.layers + 1) * shape.width));
    empty.release();
  });

  const samplings: Sampling[] = [PLAIN, GREEDY, { temperature: 0.7, topK: 9, topP: 0.8 }];
  test.each(samplings)("a sample does not depend on how many there are: %o", async (sampling) => {
    const length = 40;
    const uniforms = (samples: readonly number[]) =>
      Float32Array.from({ length: samples.length * length }, (_, i) =>
        uniform(samples[Math.floor(i / length)] ?? 0, i % length),
      );
    const alone = await Promise.all(
      [0, 1, 2, 7].map(async (sample) => {
        const generation = engine().generate(prefix, 1, sampling);
        const result = await run(generation, { ...free(1, length), uniforms: uniforms([sample]) });
        generation.release();
        return { sample, ...result };
      }),
    );
    for (const count of [2, 3, 8]) {
      const generation = engine().generate(prefix, count, sampling);
      const all = Array.from({ length: count }, (_, b) => b);
      const result = await run(generation, { ...free(count, length), uniforms: uniforms(all) });
      generation.release();
      for (const { sample, tokens, nll } of alone.filter(({ sample }) => sample < count)) {
        const own = [sample * length, (sample + 1) * length] as const;
        expect(Array.from(result.tokens.subarray(...own))).toEqual(Array.from(tokens));
        expect(Array.from(result.nll.subarray(...own))).toEqual(Array.from(nll));
      }
    }
    if (sampling === PLAIN) expect(alone[0]?.tokens).not.toEqual(alone[1]?.tokens);
  });

  test("rows may be cut anywhere", async () => {
    const samples = 3;
    const uniforms = Float32Array.from({ length: samples * 64 }, (_, i) => uniform(Math.floor(i / 64), i % 64));
    const whole = engine().generate(prefix, samples, PLAIN);
    const cut = engine().generate(prefix, samples, PLAIN);
    const right = await run(whole, { ...free(samples, 64), uniforms }, [32, 32]);
    const other = await run(cut, { ...free(samples, 64), uniforms }, [1, 7, 31, 25]);
    expect(cut.position).toBe(given.length + 64);
    expect(other).toEqual(right);
    whole.release();
    cut.release();
  });

  test("forced pixels are kept, and count as if they had been sampled", async () => {
    const samples = 2;
    const length = 40;
    const uniforms = Float32Array.from({ length: samples * length }, (_, i) => uniform(9, i));
    const first = engine().generate(prefix, samples, PLAIN);
    const sampled = await run(first, { ...free(samples, length), uniforms });
    first.release();
    const forced = sampled.tokens.map((token, i) => (i % 3 === 0 ? token : -1));
    const second = engine().generate(prefix, samples, PLAIN);
    // Where a pixel is forced its uniform must not matter.
    const noise = uniforms.map((u, i) => (i % 3 === 0 ? 1 - u : u));
    const again = await run(second, { forced: Int32Array.from(forced), uniforms: noise });
    second.release();
    expect(again).toEqual(sampled);
    const third = engine().generate(prefix, samples, PLAIN);
    const other = await run(third, { forced: new Int32Array(samples * length).fill(shape.colors - 1), uniforms });
    third.release();
    expect(new Set(other.tokens)).toEqual(new Set([shape.colors - 1]));
  });

  const rules: Sampling[] = [
    PLAIN,
    { temperature: 0.5, topK: 0, topP: 1 },
    { temperature: 2, topK: 5, topP: 1 },
    { temperature: 1, topK: 1, topP: 1 },
    { temperature: 1, topK: 0, topP: 0.6 },
    { temperature: 1.3, topK: 20, topP: 0.5 },
    { temperature: 1, topK: shape.colors + 1000, topP: 1e-6 },
  ];
  test.each(rules)("the sampling rule: %o", async (sampling) => {
    const uniforms = Float32Array.from({ length: 64 }, (_, i) =>
      i === 0 ? 0 : i === 1 ? 1 - 2 ** -24 : (i - 0.37) / 64,
    );
    const generation = engine().generate(prefix, uniforms.length, sampling);
    const { tokens } = await generation.next({ forced: new Int32Array(uniforms.length).fill(-1), uniforms });
    generation.release();
    let checked = 0;
    for (const [i, u] of uniforms.entries()) {
      const expected = expectedColor(logits, sampling, u, OWN_ROUNDING);
      if (expected === undefined) continue;
      checked++;
      expect(tokens[i], `u = ${u}`).toBe(expected);
    }
    expect(checked).toBeGreaterThan(uniforms.length / 4);
  });

  test("copies of samples go on as those that they are copies of", async () => {
    const samples = 5;
    const lengths = [23, 41, 20];
    // A sample twice and far from its place, one to its neighbour's, one nowhere; then all from one.
    const resamplings = [
      [3, 0, 3, 1, 4],
      [2, 2, 2, 2, 2],
    ];
    const generation = engine().generate(prefix, samples, PLAIN);
    const history: Int32Array[] = Array.from({ length: samples }, () => new Int32Array());
    for (const [part, length] of lengths.entries()) {
      const uniforms = Float32Array.from({ length: samples * length }, (_, i) => uniform(part, i));
      const result = await generation.next({ ...free(samples, length), uniforms });
      for (let b = 0; b < samples; b++) {
        // The same from the start: what it drew so far forced.
        const alone = engine().generate(prefix, 1, PLAIN);
        const before = history[b] ?? new Int32Array();
        if (before.length > 0) await alone.next({ ...free(1, before.length), forced: before });
        const own = [b * length, (b + 1) * length] as const;
        const right = await alone.next({ ...free(1, length), uniforms: uniforms.slice(...own) });
        alone.release();
        expect(result.tokens.slice(...own)).toEqual(right.tokens);
        expect(result.nll.slice(...own)).toEqual(right.nll);
        history[b] = Int32Array.from([...before, ...right.tokens]);
      }
      const ancestors = resamplings[part];
      if (!ancestors) break;
      generation.resample(ancestors);
      history.splice(0, samples, ...ancestors.map((ancestor) => history[ancestor] ?? new Int32Array()));
    }
    for (const wrong of [
      [0, 1],
      [0, 1, 2, 3, 5],
      [0, 1, 2, 3, -1],
      [0, 1, 2, 3, 0.5],
    ]) {
      expect(() => generation.resample(wrong)).toThrow(RangeError);
    }
    generation.release();
    expect(() => generation.resample([0, 1, 2, 3, 4])).toThrow();
  });

  test("runs of two requests at once do not disturb each other", async () => {
    const work = async (seed: number) => {
      const own = engine().openPrefix();
      const nll = await own.append(given.map((token) => (token + seed) % shape.colors));
      const generation = engine().generate(own, 2, PLAIN);
      const uniforms = Float32Array.from({ length: 80 }, (_, i) => uniform(seed, i));
      const result = await run(generation, { ...free(2, 40), uniforms });
      generation.release();
      own.release();
      return { prefixNll: nll, ...result };
    };
    const alone = [await work(1), await work(2)];
    expect(await Promise.all([work(1), work(2)])).toEqual(alone);
  });

  test("what cannot be is refused", async () => {
    for (const samples of [0, -1, 1.5, Number.NaN]) {
      expect(() => engine().generate(prefix, samples, PLAIN)).toThrow(RangeError);
    }
    const generation = engine().generate(prefix, 1, PLAIN);
    const tooFar = shape.positions - given.length + 1;
    await expect(generation.next(free(1, tooFar))).rejects.toThrow(RangeError);
    generation.release();
    const full = engine().openPrefix();
    await expect(full.append(new Int32Array(shape.positions + 1))).rejects.toThrow(RangeError);
    full.release();
  });

  test("releasing twice is the same as once", async () => {
    const own = engine().openPrefix();
    await own.append(given);
    const generation = engine().generate(own, 1, PLAIN);
    generation.release();
    generation.release();
    own.release();
    own.release();
    await expect(generation.next(free(1, 1))).rejects.toThrow();
  });

  test("the same input gives the same bits again", async () => {
    const nats = async () => {
      const own = engine().openPrefix();
      const nll = await own.append(given);
      own.release();
      return nll;
    };
    expect(await nats()).toEqual(await nats());
  });
}

/** All of `given`, cut as callers cut it. */
async function appendAll(prefix: Prefix, given: Int32Array): Promise<Float32Array> {
  const nll = new Float32Array(given.length);
  for (let start = 0; start < given.length; start += PREFIX_CHUNK) {
    nll.set(await prefix.append(given.subarray(start, start + PREFIX_CHUNK)), start);
  }
  return nll;
}

interface Input {
  forced: Int32Array;
  uniforms: Float32Array;
}

/** Nothing forced, uniforms 0.5. */
function free(samples: number, positions: number): Input {
  const length = samples * positions;
  return { forced: new Int32Array(length).fill(-1), uniforms: new Float32Array(length).fill(0.5) };
}

/** Runs [samples, positions] in rows of 32 positions, or of `rows`. */
async function run(generation: Generation, { forced, uniforms }: Input, rows?: readonly number[]): Promise<Result> {
  const { samples } = generation;
  const positions = forced.length / samples;
  const result = { tokens: new Int32Array(forced.length), nll: new Float32Array(forced.length) };
  const cut = <T extends Int32Array | Float32Array>(from: T, to: T, start: number, count: number): T => {
    for (let b = 0; b < samples; b++) {
      to.set(from.subarray(b * positions + start, b * positions + start + count), b * count);
    }
    return to;
  };
  for (let start = 0, n = 0; start < positions; n++) {
    const count = rows?.[n] ?? Math.min(32, positions - start);
    const made = await generation.next({
      forced: cut(forced, new Int32Array(samples * count), start, count),
      uniforms: cut(uniforms, new Float32Array(samples * count), start, count),
    });
    for (let b = 0; b < samples; b++) {
      result.tokens.set(made.tokens.subarray(b * count, (b + 1) * count), b * positions + start);
      result.nll.set(made.nll.subarray(b * count, (b + 1) * count), b * positions + start);
    }
    start += count;
  }
  return result;
}

interface Result {
  tokens: Int32Array;
  nll: Float32Array;
}

/** Nats of some colours at the next position: as many samples as colours, each forced to its own. */
async function natsOf(engine: Engine, prefix: Prefix, colors: Int32Array): Promise<Float32Array> {
  const nats = new Float32Array(colors.length);
  for (let start = 0; start < colors.length; start += 64) {
    const forced = colors.slice(start, start + 64);
    const generation = engine.generate(prefix, forced.length, PLAIN);
    nats.set((await generation.next({ forced, uniforms: new Float32Array(forced.length) })).nll, start);
    generation.release();
  }
  return nats;
}

/** A fixed number in [0, 1) for a sample and a position. */
function uniform(sample: number, position: number): number {
  const x = Math.sin(sample * 1013 + position * 17 + 1) * 43758.5453;
  return Math.fround(Math.min(x - Math.floor(x), 1 - 2 ** -24));
}

function expectNats(actual: Float32Array, right: Float32Array, tolerance: Tolerance): void {
  expect(actual.length).toBe(right.length);
  expect(mostApart(actual, right)).toBeLessThanOrEqual(tolerance.nll);
  if (right.length === 0) return;
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(mean(actual) - mean(right))).toBeLessThanOrEqual(tolerance.meanNll);
}

function mostApart(actual: Float32Array, right: Float32Array): number {
  return right.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? Number.NaN))), 0);
}
