/** An `infer` request's tensors to a batch, every value checked, and a result back to tensors. */
import {
  CANDIDATE_INPUTS,
  type CandidateInputName,
  entriesOf,
  INPUTS,
  type InputName,
  type Interface,
  OUTPUTS,
  type Sizes,
  shapeOf,
  tensorsOf,
} from "../../src/delegation/graph/index.ts";
import { ProtocolError, type Tensor } from "../../src/delegation/protocol/index.ts";
import type { Architecture } from "../../src/model/bundle/manifest.ts";
import { weighedEnd } from "../../src/model/candidates/steps.ts";
import { MAX_CANDIDATES, MAX_SAMPLES } from "../../src/model/options.ts";
import type { BatchFilter, GraphBatch, GraphResult } from "./batch.ts";

const TENSORS = { ...INPUTS, ...CANDIDATE_INPUTS };
type Name = InputName | CandidateInputName;

/** The inputs and outputs as a model's metadata names them; -1 = any length. */
export function graphMetadata({ layers, width }: Architecture) {
  const sizes: Sizes = { B: -1, P: -1, R: -1, "L + 1": layers + 1, D: width };
  const listed = <Name extends string>(tensors: Interface<Name>) =>
    entriesOf(tensors).map(([name, one]) => ({ name, datatype: one.datatype, shape: shapeOf(one, sizes) }));
  return { inputs: listed(INPUTS), outputs: listed(OUTPUTS) };
}

/** @throws ProtocolError that names the tensor and what is wrong with it. */
export function readBatch(inputs: readonly Tensor[], architecture: Architecture, maxRows: number): GraphBatch {
  // Those of the extension: all of them or none.
  const filtered = inputs.some(({ name }) => Object.hasOwn(CANDIDATE_INPUTS, name));
  for (const { name } of inputs) {
    if (!Object.hasOwn(TENSORS, name)) throw new ProtocolError(`there is no input ${name}`);
  }
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
  const sizes = { B: rows, P: given, R: generate };
  const forced = integers(inputs, "forced", sizes, -1, colors - 1);
  return {
    rows,
    given,
    generate,
    tokens: integers(inputs, "tokens", sizes, 0, colors - 1),
    forced,
    ...(filtered && { filter: readFilter(inputs, architecture, given, forced, rows) }),
    uniforms: floats(inputs, "uniforms", sizes, (u) => u >= 0 && u < 1, "in [0, 1)"),
    temperature: floats(inputs, "temperature", sizes, (t) => t >= 0 && Number.isFinite(t), "finite, 0 or more"),
    topK: integers(inputs, "top_k", sizes, 0, colors),
    topP: floats(inputs, "top_p", sizes, (p) => p > 0 && p <= 1, "above 0 and at most 1"),
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
  const generate = forced.length / rows;
  for (let b = 0; b < rows; b++) {
    const row = forced.subarray(b * generate, (b + 1) * generate);
    const keep = Array.from({ length: positions }, (_, pixel) => row[pixel - given] !== -1);
    if (row[0] !== -1) throw new ProtocolError("forced: the first pixel must be a generated one (-1)");
    const end = weighedEnd(keep, resolution);
    if (given + generate !== end)
      throw new ProtocolError(`forced: it goes on to position ${end}, by which candidates are weighed`);
  }
  return {
    candidates: integers(inputs, "candidates", { B: rows }, 1, MAX_CANDIDATES),
    seed: integers(inputs, "seed", { B: rows }, -(2 ** 31), 2 ** 31 - 1),
    sample: integers(inputs, "sample", { B: rows }, 0, MAX_SAMPLES - 1),
  };
}

export function resultTensors(result: GraphResult, batch: GraphBatch, { layers, width }: Architecture): Tensor[] {
  const sizes = { B: batch.rows, P: batch.given, R: batch.generate, "L + 1": layers + 1, D: width };
  return tensorsOf(OUTPUTS, sizes, {
    samples: result.samples,
    nll: result.nll,
    prefix_nll: result.prefixNll,
    features: result.features,
  });
}

function find(inputs: readonly Tensor[], name: Name): Tensor {
  const found = inputs.filter((tensor) => tensor.name === name);
  const [tensor] = found;
  if (!tensor || found.length > 1) throw new ProtocolError(`input ${name} must be given once`);
  return tensor;
}

function integers(inputs: readonly Tensor[], name: Name, sizes: Partial<Sizes>, least: number, most: number) {
  const { data, datatype } = shaped(inputs, name, sizes);
  if (!(data instanceof BigInt64Array)) throw new ProtocolError(`${name} must be INT64, not ${datatype}`);
  const out = new Int32Array(data.length);
  for (const [i, value] of data.entries()) {
    if (value < least || value > most) throw new ProtocolError(`${name}: ${value} is not in ${least} .. ${most}`);
    out[i] = Number(value);
  }
  return out;
}

function floats(
  inputs: readonly Tensor[],
  name: Name,
  sizes: Partial<Sizes>,
  ok: (x: number) => boolean,
  rule: string,
): Float32Array {
  const { data, datatype } = shaped(inputs, name, sizes);
  if (!(data instanceof Float32Array)) throw new ProtocolError(`${name} must be FP32, not ${datatype}`);
  for (const value of data) if (!ok(value)) throw new ProtocolError(`${name}: ${value} is not ${rule}`);
  return data;
}

function shaped(inputs: readonly Tensor[], name: Name, sizes: Partial<Sizes>): Tensor {
  const tensor = find(inputs, name);
  const shape = shapeOf(TENSORS[name], sizes);
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new ProtocolError(`${name} has shape [${tensor.shape}] where the other inputs make it [${shape}]`);
}
