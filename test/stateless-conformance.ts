/** What `igpt.onnx` must do on every ONNX runtime. Call it inside a test file of the runtime. */
import { beforeAll, describe, expect, test } from "vitest";
import { type Golden, type GoldenName, GREEDY_PIXELS, loadGolden } from "./golden/load.ts";

/** A tensor of the graph, row-major. */
export interface GraphTensor {
  type: "int64" | "float32";
  data: BigInt64Array | Float32Array;
  dims: readonly number[];
}

export type RunGraph = (inputs: Record<string, GraphTensor>) => Promise<Record<string, GraphTensor>>;

/** Batch first: B requests, P given tokens, R to generate. */
interface Request {
  tokens: Int32Array[];
  forced: Int32Array[];
  uniforms?: Float32Array[];
  temperature?: number[];
  topK?: number[];
  topP?: number[];
}

interface Response {
  samples: Int32Array[];
  nll: Float32Array[];
  prefixNll: Float32Array[];
  features: Float32Array[];
}

/** Both sides are float32 on the same weights; they differ in the order of sums and in exp. */
const ROUNDING = 1e-4;
const TIE = 1e-4;

/** @param open makes a session of the golden model's `igpt.onnx` */
export function statelessConformance(
  open: (golden: Golden) => Promise<RunGraph>,
  models: readonly GoldenName[] = ["tiny", "biased"],
): void {
  describe.each(models)("%s", (name) => {
    const golden = loadGolden(name);
    let run: (request: Request) => Promise<Response>;
    beforeAll(async () => {
      const graph = await open(golden);
      run = (request) => call(graph, request);
    });

    test.each(golden.cases.map((c) => [c.name, c] as const))("golden values, %s", async (_, right) => {
      const greedy = right.greedy.slice(0, GREEDY_PIXELS);
      const [free, forced] = [0, 1];
      const made = await run({
        tokens: [right.given, right.given],
        forced: [new Int32Array(greedy.length).fill(-1), greedy],
        temperature: [0, 1],
      });
      const tie = right.greedyMargin.findIndex((margin) => margin < TIE);
      const sure = tie < 0 ? greedy.length : tie;
      expect(made.samples[free]?.slice(0, sure)).toEqual(greedy.slice(0, sure));
      expect(made.samples[forced]).toEqual(greedy);
      expectClose(made.nll[forced], right.greedyNll.slice(0, GREEDY_PIXELS));
      expectClose(made.prefixNll[forced], right.prefixNll);
      expectClose(made.features[forced], right.features);
    });

    if (name === "shipped") return;
    const { shape } = golden;
    const given = (length: number, seed: number) =>
      Int32Array.from({ length }, (_, i) => (i * 31 + seed * 7) % shape.colors);

    test.each([
      [0, 0],
      [0, 33],
      [1, 1],
      [5, 0],
      [129, 40],
    ])("a request does not depend on its batch: P = %i, R = %i", async (p, r) => {
      const request = (seeds: number[]): Request => ({
        tokens: seeds.map((seed) => given(p, seed)),
        forced: seeds.map((seed) => Int32Array.from({ length: r }, (_, i) => (i % 11 === seed ? seed : -1))),
        uniforms: seeds.map((seed) => Float32Array.from({ length: r }, (_, i) => ((i * 37 + seed * 11) % 101) / 101)),
        temperature: seeds.map((seed) => [1, 0, 0.7][seed % 3] ?? 1),
        topK: seeds.map((seed) => [0, 3, 20][seed % 3] ?? 0),
        topP: seeds.map((seed) => [1, 0.5, 0.9][seed % 3] ?? 1),
      });
      const all = await run(request([0, 1, 2, 3, 4]));
      expect(all.features.map((row) => row.length)).toEqual(Array(5).fill((shape.layers + 1) * shape.width));
      for (const seeds of [[0], [1], [2], [4], [3, 4], [0, 1, 2]]) {
        const some = await run(request(seeds));
        for (const [place, seed] of seeds.entries()) {
          for (const key of ["samples", "nll", "prefixNll", "features"] as const) {
            expect(some[key][place], key).toEqual(all[key][seed]);
          }
        }
      }
    });

    test("without given pixels the features are zeros", async () => {
      const { features } = await run({ tokens: [given(0, 0)], forced: [Int32Array.of(-1)] });
      expect(features[0]).toEqual(new Float32Array((shape.layers + 1) * shape.width));
    });
  });
}

function expectClose(actual: Float32Array | undefined, right: Float32Array): void {
  expect(actual?.length).toBe(right.length);
  const apart = right.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual?.[i] ?? Number.NaN))), 0);
  expect(apart).toBeLessThanOrEqual(ROUNDING);
}

async function call(graph: RunGraph, request: Request): Promise<Response> {
  const batch = request.tokens.length;
  const whole = (rows: Int32Array[]): GraphTensor => ({
    type: "int64",
    data: BigInt64Array.from(
      rows.flatMap((row) => Array.from(row)),
      BigInt,
    ),
    dims: [batch, rows[0]?.length ?? 0],
  });
  const real = (rows: Float32Array[]): GraphTensor => ({
    type: "float32",
    data: Float32Array.from(rows.flatMap((row) => Array.from(row))),
    dims: [batch, rows[0]?.length ?? 0],
  });
  const options = (values: number[] | undefined, usual: number) => values ?? Array<number>(batch).fill(usual);
  const output = await graph({
    tokens: whole(request.tokens),
    forced: whole(request.forced),
    uniforms: real(request.uniforms ?? request.forced.map((row) => new Float32Array(row.length))),
    temperature: real(options(request.temperature, 1).map((value) => Float32Array.of(value))),
    top_k: whole(options(request.topK, 0).map((value) => Int32Array.of(value))),
    top_p: real(options(request.topP, 1).map((value) => Float32Array.of(value))),
  });
  const rows = (name: string): (BigInt64Array | Float32Array)[] => {
    const tensor = output[name];
    if (!tensor) throw new Error(`the graph has no output ${name}`);
    expect(tensor.dims[0]).toBe(batch);
    const length = tensor.data.length / batch;
    return Array.from({ length: batch }, (_, b) => tensor.data.slice(b * length, (b + 1) * length));
  };
  const reals = (name: string) => rows(name).map((row) => Float32Array.from(row as Float32Array));
  return {
    samples: rows("samples").map((row) => Int32Array.from(row as BigInt64Array, Number)),
    nll: reals("nll"),
    prefixNll: reals("prefix_nll"),
    features: reals("features"),
  };
}
