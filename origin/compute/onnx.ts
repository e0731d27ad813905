/** `igpt.onnx` by onnxruntime-node: any model, on the CPU. */
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { filteredStepwise, type Infer } from "../../src/delegation/filtered.ts";
import { INPUTS, type InputName, type OutputName, tensorsOf } from "../../src/delegation/graph/index.ts";
import type { Manifest } from "../../src/model/bundle/manifest.ts";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";
import { filteredRow, putSample } from "./filtered.ts";
import type { MakeRunner } from "./runner.ts";

export const makeOnnxRunner: MakeRunner = async ({ manifest, directory }, { cores }) => {
  // The graph names weights.safetensors beside it as its external data.
  const session = await InferenceSession.create(join(directory, "igpt.onnx"), {
    executionProviders: ["cpu"],
    intraOpNumThreads: cores,
    interOpNumThreads: 1,
  });
  return {
    run: (batch) => (batch.filter ? runFiltered(session, batch, manifest) : runGraph(session, batch)),
    release: () => session.release(),
  };
};

async function runGraph(session: InferenceSession, batch: GraphBatch): Promise<GraphResult> {
  return readResult(await session.run(feeds(batch)));
}

/** Each row by its candidates: the graph keeps nothing between two runs, so each step begins at the picture's top. */
async function runFiltered(session: InferenceSession, batch: GraphBatch, manifest: Manifest): Promise<GraphResult> {
  const { rows, generate } = batch;
  const { filter: _, ...plain } = batch;
  const nothing = { generate: 0, forced: new Int32Array(), uniforms: new Float32Array() };
  const out: GraphResult = {
    ...(await runGraph(session, { ...plain, ...nothing })),
    samples: new Int32Array(rows * generate),
    nll: new Float32Array(rows * generate),
  };
  for (let b = 0; b < rows; b++) {
    const { options, sampling } = filteredRow(batch, b, manifest.palette, manifest.architecture.positions);
    const infer: Infer = async (pictures, position, { forced, uniforms }) => {
      const step = await runGraph(session, {
        ...{ rows: pictures.length, given: position, generate: forced.length / pictures.length, forced, uniforms },
        tokens: Int32Array.from(pictures.flatMap((picture) => Array.from(picture.subarray(0, position)))),
        temperature: new Float32Array(pictures.length).fill(sampling.temperature),
        topK: new Int32Array(pictures.length).fill(sampling.topK),
        topP: new Float32Array(pictures.length).fill(sampling.topP),
      });
      return { tokens: step.samples, nll: step.nll };
    };
    putSample(await filteredStepwise(options, infer), batch, b, out);
  }
  return out;
}

function feeds({ rows, given, generate, ...batch }: GraphBatch): Record<string, Tensor> {
  const values: Record<InputName, Int32Array | Float32Array> = {
    tokens: batch.tokens,
    forced: batch.forced,
    uniforms: batch.uniforms,
    temperature: batch.temperature,
    top_k: batch.topK,
    top_p: batch.topP,
  };
  const tensors = tensorsOf(INPUTS, { B: rows, P: given, R: generate }, values);
  return Object.fromEntries(
    tensors.map(({ name, datatype, data, shape }) => [
      name,
      datatype === "INT64" ? new Tensor("int64", data, shape) : new Tensor("float32", data, shape),
    ]),
  );
}

function readResult(outputs: Record<string, Tensor>): GraphResult {
  const data = (name: OutputName) => {
    const values = outputs[name]?.data;
    if (values instanceof Float32Array) return values;
    if (values instanceof BigInt64Array) return Int32Array.from(values, Number);
    throw new Error(`the graph has no output ${name}`);
  };
  const floats = (name: OutputName) => {
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
