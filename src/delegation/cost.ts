import type { Model } from "../model/types.ts";
import { weightProducts } from "../model/weight-products.ts";
import { spanOf } from "./graph/index.ts";

/**
 * Multiplications (each with its addition) of a completion, in thousands of millions: those with weights, and 2 d a layer
 * for each position looked back at. The prefix is run once, the generated positions once a sample.
 */
export function gigaMacs(
  model: Pick<Model, "layers" | "width" | "colors">,
  keep: readonly boolean[],
  samples: number,
): number {
  const { layers, width } = model;
  const { start, end } = spanOf(keep);
  const linear = weightProducts(model);
  // The sum of looked-back positions from 0 to n - 1 is about n^2 / 2.
  const attention = (n: number) => layers * width * n ** 2;
  const prefix = start * linear + attention(start);
  const sample = (end - start) * linear + attention(end) - attention(start);
  return (prefix + samples * sample) / 1e9;
}
