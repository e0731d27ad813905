import { weighedEnd } from "../model/candidates/steps.ts";
import type { CompletionSpec, Model } from "../model/types.ts";
import { weightProducts } from "../model/weight-products.ts";
import { spanOf } from "./graph/index.ts";

/**
 * Multiplications (each with its addition) of a completion, in thousands of millions: those with weights, and 2 d a layer
 * for each position looked back at. The prefix is run once, the generated positions once a sample or a candidate for one.
 */
export function gigaMacs(
  model: Pick<Model, "layers" | "width" | "colors" | "resolution">,
  { keep, samples, candidates = 1 }: Pick<CompletionSpec, "keep" | "samples" | "candidates">,
): number {
  const { layers, width } = model;
  const { start, end: lastGenerated } = spanOf(keep);
  const end = candidates > 1 ? weighedEnd(keep, model.resolution) : lastGenerated;
  const linear = weightProducts(model);
  // The sum of looked-back positions from 0 to n - 1 is about n^2 / 2.
  const attention = (n: number) => layers * width * n ** 2;
  const prefix = start * linear + attention(start);
  const sample = (end - start) * linear + attention(end) - attention(start);
  return (prefix + samples * candidates * sample) / 1e9;
}
