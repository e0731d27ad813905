/** The sampler that OpenAI released: no cache, all positions so far for each new pixel (onnxruntime-web, float). */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { givenColors, type Subject, type Task } from "../measure.ts";
import { halfOf, ROW, SHAPES } from "../shapes.ts";
import type { Onnxruntime } from "./rows-graph.ts";

/** Only one step of each row is run and counted ROW times: see `Row.extrapolated`. */
export function fullForwardSubject(
  ort: Onnxruntime,
  session: InferenceSession,
  { shape: name, samples }: Task,
  peakBytes: () => number,
): Subject {
  const shape = SHAPES[name];
  const headWidth = shape.width / shape.heads;
  const colors = givenColors(shape);

  async function forward(length: number): Promise<void> {
    const int64 = (values: readonly number[] | Int32Array, dims: number[]) =>
      new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
    const feeds: Record<string, Tensor> = {
      forced: int64(
        Int32Array.from({ length }, (_, i) => colors[i % halfOf(shape)] ?? 0),
        [1, 1, length],
      ),
      uniforms: new ort.Tensor("float32", new Float32Array(length), [1, 1, length]),
      last: int64([-1], [1, 1]),
      temperature: new ort.Tensor("float32", Float32Array.of(1), [1, 1]),
      top_k: int64([0], [1, 1]),
      top_p: new ort.Tensor("float32", Float32Array.of(1), [1, 1]),
    };
    for (let n = 0; n < shape.layers; n++) {
      for (const part of ["prefix", "own", "row"]) {
        feeds[`${part}_keys.${n}`] = new ort.Tensor("float32", new Float32Array(), [1, shape.heads, headWidth, 0]);
        feeds[`${part}_values.${n}`] = new ort.Tensor("float32", new Float32Array(), [1, shape.heads, 0, headWidth]);
      }
    }
    await session.run(feeds);
  }

  return {
    prefill: async () => {},
    async row(index) {
      for (let b = 0; b < samples; b++) await forward(halfOf(shape) + index * ROW + ROW / 2);
    },
    peakBytes,
  };
}
