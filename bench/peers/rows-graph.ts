/**
 * onnxruntime on the rows graph (training/igpt/bundle/graphs/rows.py): one `run()` generates a row for all samples, the long caches
 * being inputs that its loop never copies. With `stepwise`, one `run()` a position: what most people write.
 */
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-web";
import { Cache } from "../../src/model/engines/ort/cache.ts";
import { givenColors, rowUniforms, type Subject, type Task } from "../measure.ts";
import { halfOf, ROW, SHAPES } from "../shapes.ts";

/** onnxruntime-web and onnxruntime-node are one API. */
export interface Onnxruntime {
  Tensor: typeof Tensor;
}

/** What a run of the graph is given. */
interface Run {
  steps: number;
  samples: number;
  positions: number;
  forced: Int32Array;
  uniforms: Float32Array;
  prefix: Cache;
  own: Cache;
}

/** Positions of the prefix that are run at once. */
const CHUNK = 128;

export function rowsSubject(
  ort: Onnxruntime,
  session: InferenceSession,
  { shape: name, samples }: Task,
  peakBytes: () => number,
  stepwise = false,
): Subject {
  const shape = SHAPES[name];
  const layers = Array.from({ length: shape.layers }, (_, n) => n);
  const headWidth = shape.width / shape.heads;
  const given = givenColors(shape);
  const half = halfOf(shape);
  let prefix = new Cache(shape, 1, half);
  const empty = { keys: new Float32Array(), values: new Float32Array() };

  async function run({ steps, samples, positions, forced, uniforms, prefix, own }: Run) {
    const dims = [steps, samples, positions];
    const filled = (value: number) => new ort.Tensor("float32", new Float32Array(samples).fill(value), [samples, 1]);
    const feeds: Record<string, Tensor> = {
      forced: new ort.Tensor("int64", BigInt64Array.from(forced, BigInt), dims),
      uniforms: new ort.Tensor("float32", uniforms, dims),
      last: new ort.Tensor("int64", new BigInt64Array(samples).fill(3n), [samples, 1]),
      temperature: filled(1),
      top_k: new ort.Tensor("int64", new BigInt64Array(samples), [samples, 1]),
      top_p: filled(1),
    };
    for (const n of layers) {
      for (const [part, batch, cache] of [
        ["prefix", 1, prefix],
        ["own", samples, own],
        ["row", samples, undefined],
      ] as const) {
        const length = cache?.length ?? 0;
        const keys = cache?.keys[n]?.data ?? empty.keys;
        const values = cache?.values[n]?.data ?? empty.values;
        feeds[`${part}_keys.${n}`] = new ort.Tensor("float32", keys, [batch, shape.heads, headWidth, length]);
        feeds[`${part}_values.${n}`] = new ort.Tensor("float32", values, [batch, shape.heads, length, headWidth]);
      }
    }
    const output = await session.run(feeds);
    return {
      length: steps * positions,
      keys: layers.map((n) => floats(output[`keys.${n}`])),
      values: layers.map((n) => floats(output[`values.${n}`])),
    };
  }

  return {
    async prefill() {
      prefix = new Cache(shape, 1, half);
      const own = new Cache(shape, 1, 0);
      for (let start = 0; start < half; start += CHUNK) {
        const forced = given.subarray(start, start + CHUNK);
        const uniforms = new Float32Array(CHUNK);
        prefix.append(await run({ steps: 1, samples: 1, positions: CHUNK, forced, uniforms, prefix, own }));
      }
    },
    async row(index) {
      const own = new Cache(shape, samples, half);
      if (index > 0) own.append(blank(shape.layers, samples * shape.width, index * ROW));
      const uniforms = rowUniforms(samples);
      const count = stepwise ? ROW : 1;
      for (let i = 0; i < count; i++) {
        const steps = ROW / count;
        const forced = new Int32Array(samples * steps).fill(-1);
        const part = uniforms.subarray(i * steps * samples, (i + 1) * steps * samples);
        own.append(await run({ steps, samples, positions: 1, forced, uniforms: part, prefix, own }));
      }
    },
    peakBytes,
  };
}

/** Keys and values of rows that were skipped. */
function blank(layers: number, rows: number, length: number) {
  const tensors = () => Array.from({ length: layers }, () => new Float32Array(rows * length).fill(0.1));
  return { keys: tensors(), values: tensors(), length };
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.type !== "float32") throw new Error("a float32 output is missing");
  return (tensor as TypedTensor<"float32">).data;
}
