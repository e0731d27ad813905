/** `igpt.onnx` by onnxruntime-node: any model, on the CPU or a GPU. */
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";
import type { MakeRunner } from "./runner.ts";

export const makeOnnxRunner: MakeRunner = async ({ directory }, { provider, cores }) => {
  // The graph names weights.safetensors beside it as its external data.
  const session = await InferenceSession.create(join(directory, "igpt.onnx"), {
    executionProviders: [provider === "cuda" ? "cuda" : "cpu"],
    intraOpNumThreads: cores,
    interOpNumThreads: 1,
  });
  return {
    run: async (batch) => readResult(await session.run(feeds(batch))),
    release: () => session.release(),
  };
};

function feeds({ rows, given, generate, ...batch }: GraphBatch): Record<string, Tensor> {
  const int64 = (values: Int32Array, width: number) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [rows, width]);
  const float = (values: Float32Array, width: number) => new Tensor("float32", values, [rows, width]);
  return {
    tokens: int64(batch.tokens, given),
    forced: int64(batch.forced, generate),
    uniforms: float(batch.uniforms, generate),
    temperature: float(batch.temperature, 1),
    top_k: int64(batch.topK, 1),
    top_p: float(batch.topP, 1),
  };
}

function readResult(outputs: Record<string, Tensor>): GraphResult {
  const data = (name: string) => {
    const values = outputs[name]?.data;
    if (values instanceof Float32Array) return values;
    if (values instanceof BigInt64Array) return Int32Array.from(values, Number);
    throw new Error(`the graph has no output ${name}`);
  };
  const floats = (name: string) => {
    const values = data(name);
    if (values instanceof Float32Array) return values;
    throw new Error(`the graph's ${name} is not float`);
  };
  return {
    samples: Int32Array.from(data("samples")),
    nll: floats("nll"),
    prefixNll: floats("prefix_nll"),
    features: floats("features"),
  };
}
