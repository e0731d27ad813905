/**
 * The output tensors of `igpt.onnx`, checked before anything is believed: an origin is another machine, possibly another
 * model or somebody else's, and what it says is stored and shown.
 */
import { weighedEnd } from "../../model/candidates/steps.ts";
import type { Row, RowResult } from "../../model/engine.ts";
import type { CompletedSample, CompletionSpec, Embedding, Likelihood, Model } from "../../model/types.ts";
import { elements, ProtocolError, type Tensor } from "../protocol/index.ts";
import { type SampleRange, spanOf } from "./inputs.ts";
import { OUTPUTS, type OutputName, type Sizes, shapeOf } from "./interface.ts";

/** @throws ProtocolError when shapes, colours or numbers are not what was asked for. */
export function completedSamples(
  outputs: readonly Tensor[],
  model: Model,
  spec: CompletionSpec,
  tokens: ArrayLike<number>,
  range: SampleRange,
): CompletedSample[] {
  const { start, end: lastGenerated } = spanOf(spec.keep);
  const end = (spec.candidates ?? 1) > 1 ? weighedEnd(spec.keep, model.resolution) : lastGenerated;
  const length = end - start;
  const sizes = { B: range.count, R: length };
  const colors = int64Output(outputs, "samples", sizes);
  const nll = fp32Output(outputs, "nll", sizes);
  return Array.from({ length: range.count }, (_, b) => {
    const picture = Int32Array.from(tokens);
    let nats = 0;
    let generated = 0;
    for (let i = 0; i < length; i++) {
      const color = Number(colors[b * length + i]);
      if (color < 0 || color >= model.colors) throw new ProtocolError(`samples: there is no colour ${color}`);
      if (spec.keep[start + i]) {
        if (color !== picture[start + i]) throw new ProtocolError("samples: a given pixel was changed");
        continue;
      }
      picture[start + i] = color;
      nats += nll[b * length + i] ?? Number.NaN;
      generated++;
    }
    return { index: range.first + b, tokens: picture, nllPerPixel: nats / generated };
  });
}

/** What came of `stepInputs`. @throws ProtocolError */
export function stepResult(outputs: readonly Tensor[], { colors }: Model, { forced }: Row, count: number): RowResult {
  const sizes = { B: count, R: forced.length / count };
  const tokens = Int32Array.from(int64Output(outputs, "samples", sizes), Number);
  const nll = fp32Output(outputs, "nll", sizes);
  for (const [i, color] of tokens.entries()) {
    if (color < 0 || color >= colors) throw new ProtocolError(`samples: there is no colour ${color}`);
    if (forced[i] !== -1 && forced[i] !== color) throw new ProtocolError("samples: a given pixel was changed");
  }
  return { tokens, nll };
}

/** @throws ProtocolError */
export function embeddings(outputs: readonly Tensor[], model: Model, count: number, layer: number): Embedding[] {
  const { width, layers } = model;
  const features = fp32Output(outputs, "features", { B: count, "L + 1": layers + 1, D: width });
  return Array.from({ length: count }, (_, b) => {
    const at = (b * (layers + 1) + layer) * width;
    return { layer, vector: features.slice(at, at + width) };
  });
}

/** Of one picture. @throws ProtocolError */
export function likelihoodOf(outputs: readonly Tensor[], pixels: number): Likelihood {
  const perPixel = fp32Output(outputs, "prefix_nll", { B: 1, P: pixels });
  const nllPerPixel = perPixel.reduce((sum, nats) => sum + nats, 0) / pixels;
  return { nllPerPixel, bitsPerPixel: nllPerPixel / Math.LN2, perPixel };
}

function int64Output(outputs: readonly Tensor[], name: OutputName, sizes: Partial<Sizes>): BigInt64Array {
  const { data } = output(outputs, name, sizes);
  if (!(data instanceof BigInt64Array)) throw new ProtocolError(`${name} is not INT64`);
  return data;
}

function fp32Output(outputs: readonly Tensor[], name: OutputName, sizes: Partial<Sizes>): Float32Array {
  const { data } = output(outputs, name, sizes);
  if (!(data instanceof Float32Array)) throw new ProtocolError(`${name} is not FP32`);
  if (!data.every(Number.isFinite)) throw new ProtocolError(`${name} has values that are no numbers`);
  return data;
}

function output(outputs: readonly Tensor[], name: OutputName, sizes: Partial<Sizes>): Tensor {
  const tensor = outputs.find((candidate) => candidate.name === name);
  if (!tensor) throw new ProtocolError(`there is no output ${name}`);
  const shape = shapeOf(OUTPUTS[name], sizes);
  if (tensor.shape.join() !== shape.join() || tensor.data.length !== elements(shape)) {
    throw new ProtocolError(`${name} has shape [${tensor.shape}] where [${shape}] was asked for`);
  }
  return tensor;
}
