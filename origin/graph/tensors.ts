/** An `infer` request's tensors to a batch, every value checked, and a result back to tensors. */
import { fp32, int64, ProtocolError, type Tensor } from "../../src/delegation/protocol/index.ts";
import type { Architecture } from "../../src/model/bundle/manifest.ts";
import { weighedEnd } from "../../src/model/candidates/steps.ts";
import { MAX_CANDIDATES, MAX_SAMPLES } from "../../src/model/options.ts";
import type { BatchFilter, GraphBatch, GraphResult } from "./batch.ts";

/** The inputs and outputs of `igpt.onnx`, as the model's metadata names them; -1 = any length. */
export function graphMetadata({ layers, width }: Architecture) {
  return {
    inputs: [
      { name: "tokens", datatype: "INT64", shape: [-1, -1] },
      { name: "forced", datatype: "INT64", shape: [-1, -1] },
      { name: "uniforms", datatype: "FP32", shape: [-1, -1] },
      { name: "temperature", datatype: "FP32", shape: [-1, 1] },
      { name: "top_k", datatype: "INT64", shape: [-1, 1] },
      { name: "top_p", datatype: "FP32", shape: [-1, 1] },
    ],
    outputs: [
      { name: "samples", datatype: "INT64", shape: [-1, -1] },
      { name: "nll", datatype: "FP32", shape: [-1, -1] },
      { name: "prefix_nll", datatype: "FP32", shape: [-1, -1] },
      { name: "features", datatype: "FP32", shape: [-1, layers + 1, width] },
    ],
  };
}

/** Of the extension CANDIDATES: all of them or none. */
const FILTER_INPUTS = ["candidates", "seed", "sample"];

/** @throws ProtocolError that names the tensor and what is wrong with it. */
export function readBatch(inputs: readonly Tensor[], architecture: Architecture, maxRows: number): GraphBatch {
  const names = graphMetadata(architecture).inputs.map(({ name }) => name);
  const filtered = inputs.some(({ name }) => FILTER_INPUTS.includes(name));
  if (filtered) names.push(...FILTER_INPUTS);
  for (const { name } of inputs) if (!names.includes(name)) throw new ProtocolError(`there is no input ${name}`);
  const tokens = find(inputs, "tokens");
  const [rows = 0, given = 0] = tokens.shape;
  const [, generate = 0] = find(inputs, "forced").shape;
  if (rows < 1 || rows > maxRows) throw new ProtocolError(`tokens: a batch has 1 to ${maxRows} rows, not ${rows}`);
  if (given + generate > architecture.positions) {
    throw new ProtocolError(
      `tokens and forced: ${given} + ${generate} positions, the model has ${architecture.positions}`,
    );
  }
  const { colors } = architecture;
  const forced = integers(find(inputs, "forced"), [rows, generate], -1, colors - 1);
  return {
    rows,
    given,
    generate,
    tokens: integers(tokens, [rows, given], 0, colors - 1),
    forced,
    ...(filtered && { filter: readFilter(inputs, architecture, given, forced, rows) }),
    uniforms: floats(find(inputs, "uniforms"), [rows, generate], (u) => u >= 0 && u < 1, "in [0, 1)"),
    temperature: floats(
      find(inputs, "temperature"),
      [rows, 1],
      (t) => t >= 0 && Number.isFinite(t),
      "finite, 0 or more",
    ),
    topK: integers(find(inputs, "top_k"), [rows, 1], 0, colors),
    topP: floats(find(inputs, "top_p"), [rows, 1], (p) => p > 0 && p <= 1, "above 0 and at most 1"),
  };
}

/** @throws ProtocolError, also when `forced` is not all that candidates are weighed by, from the first drawn pixel on. */
function readFilter(
  inputs: readonly Tensor[],
  { positions, resolution }: Architecture,
  given: number,
  forced: Int32Array,
  rows: number,
): BatchFilter {
  const one = (name: string, least: number, most: number) => integers(find(inputs, name), [rows, 1], least, most);
  const generate = forced.length / rows;
  for (let b = 0; b < rows; b++) {
    const row = forced.subarray(b * generate, (b + 1) * generate);
    const keep = Array.from({ length: positions }, (_, pixel) => row[pixel - given] !== -1);
    if (row[0] !== -1) throw new ProtocolError("forced: its first pixel is to be drawn");
    const end = weighedEnd(keep, resolution);
    if (given + generate !== end)
      throw new ProtocolError(`forced: it goes on to position ${end}, by which candidates are weighed`);
  }
  return {
    candidates: one("candidates", 1, MAX_CANDIDATES),
    seed: one("seed", -(2 ** 31), 2 ** 31 - 1),
    sample: one("sample", 0, MAX_SAMPLES - 1),
  };
}

export function resultTensors(result: GraphResult, batch: GraphBatch, { layers, width }: Architecture): Tensor[] {
  const { rows, given, generate } = batch;
  return [
    int64("samples", [rows, generate], result.samples),
    fp32("nll", [rows, generate], result.nll),
    fp32("prefix_nll", [rows, given], result.prefixNll),
    fp32("features", [rows, layers + 1, width], result.features),
  ];
}

function find(inputs: readonly Tensor[], name: string): Tensor {
  const found = inputs.filter((tensor) => tensor.name === name);
  const [tensor] = found;
  if (!tensor || found.length > 1) throw new ProtocolError(`input ${name} must be given once`);
  return tensor;
}

function integers(tensor: Tensor, shape: readonly number[], least: number, most: number): Int32Array {
  checkShape(tensor, shape);
  if (tensor.datatype !== "INT64") throw new ProtocolError(`${tensor.name} must be INT64, not ${tensor.datatype}`);
  const out = new Int32Array(tensor.data.length);
  for (const [i, value] of tensor.data.entries()) {
    if (value < least || value > most)
      throw new ProtocolError(`${tensor.name}: ${value} is not in ${least} .. ${most}`);
    out[i] = Number(value);
  }
  return out;
}

function floats(tensor: Tensor, shape: readonly number[], ok: (x: number) => boolean, rule: string): Float32Array {
  checkShape(tensor, shape);
  if (tensor.datatype !== "FP32") throw new ProtocolError(`${tensor.name} must be FP32, not ${tensor.datatype}`);
  for (const value of tensor.data) if (!ok(value)) throw new ProtocolError(`${tensor.name}: ${value} is not ${rule}`);
  return tensor.data;
}

function checkShape(tensor: Tensor, shape: readonly number[]): void {
  if (tensor.shape.join() === shape.join()) return;
  throw new ProtocolError(`${tensor.name} has shape [${tensor.shape}] where the other inputs make it [${shape}]`);
}
