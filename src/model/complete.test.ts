import fc from "fast-check";
import { expect, test } from "vitest";
import { ArithmeticEngine } from "../../test/doubles/arithmetic-engine.ts";
import { complete } from "./complete.ts";
import { embed } from "./embed.ts";
import { likelihood } from "./likelihood.ts";
import { type Session, SoloSession } from "./session.ts";
import type { CompletionProgress, CompletionResult, CompletionSpec } from "./types.ts";

const SIDE = 8;
const PIXELS = SIDE * SIDE;
const shape = { layers: 2, width: 4, heads: 2, positions: PIXELS, colors: 16 };

const palette = Array.from(
  { length: 16 },
  (_, i) => [i * 16, 255 - i * 16, (i * 40) % 256] as [number, number, number],
);

function open(turnPositions = PIXELS) {
  const engine = new ArithmeticEngine(shape, { turnPositions });
  const session = new SoloSession(engine);
  return { engine, session };
}

async function all(spec: CompletionSpec, tokens: Int32Array, batch: number, turnPositions?: number) {
  const { engine, session } = open(turnPositions);
  const progress: CompletionProgress[] = [];
  const rows = complete(session, spec, tokens, batch, palette);
  for (;;) {
    const step = await rows.next();
    if (step.done) return { result: step.value satisfies CompletionResult, progress, engine };
    progress.push(step.value);
  }
}

const picture = fc.array(fc.nat(15), { minLength: PIXELS, maxLength: PIXELS }).map((tokens) => Int32Array.from(tokens));
const mask = fc
  .tuple(fc.nat(PIXELS - 1), fc.array(fc.boolean(), { minLength: PIXELS, maxLength: PIXELS }))
  .map(([hole, flags]) => flags.map((given, pixel) => given && pixel !== hole));
const rowsMask = fc.nat(SIDE - 1).map((rows) => Array.from({ length: PIXELS }, (_, pixel) => pixel < rows * SIDE));
const spec: fc.Arbitrary<CompletionSpec> = fc.record({
  samples: fc.integer({ min: 1, max: 9 }),
  seed: fc.integer(),
  sampling: fc.record({ temperature: fc.constantFrom(0, 0.5, 1), topK: fc.nat(16), topP: fc.constantFrom(0.5, 1) }),
  execution: fc.constant("AUTO" as const),
  keep: fc.oneof(mask, rowsMask),
  keepRows: fc.constant(0),
});

test("given pixels are the input's, all others are made, and samples are the same for any batch", async () => {
  await fc.assert(
    fc.asyncProperty(spec, picture, fc.integer({ min: 1, max: 9 }), async (s, tokens, batch) => {
      const { result, engine } = await all(s, tokens, batch);
      expect(result.engine).toBe("arithmetic");
      expect(result.samples.map(({ index }) => index)).toEqual(Array.from({ length: s.samples }, (_, i) => i));
      for (const sample of result.samples) {
        sample.tokens.forEach((token, pixel) => {
          if (s.keep[pixel]) expect(token).toBe(tokens[pixel]);
          else expect(token).toBeGreaterThanOrEqual(0);
        });
      }
      const alone = await all({ ...s, samples: 1 }, tokens, 1);
      expect(alone.result.samples[0]).toEqual(result.samples[0]);
      expect((await all(s, tokens, s.samples)).result.samples).toEqual(result.samples);
      expect(engine.log.open).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test("tokens at pixels that are not given do not matter", async () => {
  await fc.assert(
    fc.asyncProperty(spec, picture, picture, async (s, tokens, noise) => {
      const other = tokens.map((token, pixel) => (s.keep[pixel] ? token : (noise[pixel] ?? 0)));
      expect((await all(s, other, 4)).result).toEqual((await all(s, tokens, 4)).result);
    }),
    { numRuns: 30 },
  );
});

test("progress starts with what is given, grows by whole rows and ends with the result", async () => {
  await fc.assert(
    fc.asyncProperty(spec, picture, fc.integer({ min: 1, max: 9 }), async (s, tokens, batch) => {
      const { result, progress } = await all(s, tokens, batch);
      const [first] = progress;
      const last = progress.at(-1);
      expect(first?.rowsDone).toBe(0);
      for (const sample of first?.samples ?? []) {
        expect([...sample]).toEqual(s.keep.map((given, pixel) => (given ? tokens[pixel] : -1)));
      }
      expect(last?.rowsDone).toBe(last?.rowsTotal);
      expect(last?.samples).toEqual(result.samples.map((sample) => sample.tokens));
      progress.slice(1).forEach((now, i) => {
        const before = progress[i];
        expect(now.rowsDone).toBeGreaterThanOrEqual(before?.rowsDone ?? 0);
        now.samples.forEach((sample, b) => {
          sample.forEach((token, pixel) => {
            const was = before?.samples[b]?.[pixel];
            if (was !== -1) expect(token).toBe(was);
          });
        });
      });
    }),
    { numRuns: 40 },
  );
});

test("nllPerPixel is the mean over generated pixels alone", async () => {
  const keep = Array.from({ length: PIXELS }, (_, pixel) => pixel < 5 || pixel % 3 === 0);
  const { engine, session } = open();
  const s: CompletionSpec = {
    ...{ samples: 2, seed: 1, execution: "AUTO", keep, keepRows: 0 },
    sampling: { temperature: 1, topK: 0, topP: 1 },
  };
  const tokens = Int32Array.from({ length: PIXELS }, (_, pixel) => pixel % 16);
  const sums: [number, number] = [0, 0];
  const generate = engine.generate.bind(engine);
  engine.generate = (...args) => {
    const generation = generate(...args);
    const next = generation.next.bind(generation);
    generation.next = async (row) => {
      const result = await next(row);
      row.forced.forEach((token, i) => {
        if (token === -1) sums[i < row.forced.length / 2 ? 0 : 1] += result.nll[i] ?? Number.NaN;
      });
      return result;
    };
    return generation;
  };
  const rows = complete(session, s, tokens, 2, palette);
  let step = await rows.next();
  while (!step.done) step = await rows.next();
  const generated = keep.filter((given) => !given).length;
  expect(step.value.samples.map((sample) => sample.nllPerPixel)).toEqual(sums.map((sum) => sum / generated));
});

test("chunks and rows: the prefix by 128 from 0, then up to the row's border, then rows to the last generated pixel", async () => {
  const side = 32;
  const engine = new ArithmeticEngine({ ...shape, positions: side * side });
  const session: Session = { engine, turn: (work) => work(), own: (resource) => resource };
  const keep = Array.from({ length: side * side }, (_, pixel) => pixel < 300 || pixel > 360);
  const s: CompletionSpec = {
    ...{ samples: 5, seed: 1, execution: "AUTO", keep, keepRows: 9 },
    sampling: { temperature: 1, topK: 0, topP: 1 },
  };
  const seen: [number, number][] = [];
  for await (const { rowsDone, rowsTotal } of complete(session, s, new Int32Array(side * side), 3, palette)) {
    seen.push([rowsDone, rowsTotal]);
  }
  // 300 = 9 rows and 12 pixels; 360 lies in row 11.
  expect(engine.log.turns).toEqual([
    ...["prefix 128", "prefix 128", "prefix 44"],
    ...["row 2x20", "row 2x32", "row 2x9"],
    ...["row 3x20", "row 3x32", "row 3x9"],
  ]);
  expect(seen).toEqual([0, 0, 1, 1, 2, 2, 3].map((rows) => [rows, 3]));
});

test("rows are cut into turns as the engine wants it, with the same samples and a sign of progress a row", async () => {
  const keep = Array.from({ length: PIXELS }, (_, pixel) => pixel < 3 * SIDE + 6);
  const s: CompletionSpec = {
    ...{ samples: 2, seed: 1, execution: "AUTO", keep, keepRows: 3 },
    sampling: { temperature: 1, topK: 0, topP: 1 },
  };
  const tokens = Int32Array.from({ length: PIXELS }, (_, pixel) => pixel % 16);
  const whole = await all(s, tokens, 2);
  const cut = await all(s, tokens, 2, 3);
  expect(cut.result).toEqual(whole.result);
  expect(cut.progress).toEqual(whole.progress);
  expect(cut.engine.log.turns).toEqual([
    ...["prefix 30", "row 2x2"],
    ...new Array(4).fill(["row 2x3", "row 2x3", "row 2x2"]).flat(),
  ]);
});

test("from nothing, no prefix is run", async () => {
  const keep = new Array<boolean>(PIXELS).fill(false);
  const s: CompletionSpec = {
    ...{ samples: 1, seed: 1, execution: "AUTO", keep, keepRows: 0 },
    sampling: { temperature: 1, topK: 0, topP: 1 },
  };
  const { engine, result } = await all(s, new Int32Array(PIXELS), 1);
  expect(engine.log.turns).toEqual(new Array(SIDE).fill("row 1x8"));
  expect(result.samples[0]?.tokens.includes(-1)).toBe(false);
});

test("embed takes the layer's slice of the features of the whole picture", async () => {
  const { engine, session } = open();
  const tokens = Int32Array.from({ length: PIXELS }, (_, pixel) => pixel % 16);
  const layers = await Promise.all([0, 1, 2].map((layer) => embed(session, tokens, layer)));
  const prefix = engine.openPrefix();
  await prefix.append(tokens);
  expect(layers.flatMap(({ vector }) => [...vector])).toEqual([...prefix.features()]);
  expect(layers.map(({ layer }) => layer)).toEqual([0, 1, 2]);
});

test("likelihood is nats a pixel, bits being nats / ln 2", async () => {
  const { engine, session } = open();
  const tokens = Int32Array.from({ length: PIXELS }, (_, pixel) => (pixel * 7) % 16);
  const { perPixel, nllPerPixel, bitsPerPixel } = await likelihood(session, tokens);
  const prefix = engine.openPrefix();
  expect(perPixel).toEqual(await prefix.append(tokens));
  expect(nllPerPixel).toBeCloseTo([...perPixel].reduce((sum, nats) => sum + nats, 0) / PIXELS, 12);
  expect(bitsPerPixel).toBeCloseTo(nllPerPixel * Math.LOG2E, 12);
});
