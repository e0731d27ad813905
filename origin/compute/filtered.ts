/** Rows that are samples with candidates, whatever computes them. */
import type { CandidateFilter, FilterOptions } from "../../src/model/candidates/filter.ts";
import type { Palette } from "../../src/model/candidates/outlook.ts";
import type { Sampling } from "../../src/model/engine.ts";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";

/** One row of a batch: what its filter is made of, and how pixels are drawn. */
export interface FilteredRow {
  options: FilterOptions;
  sampling: Sampling;
}

/** @param pixels of a whole picture */
export function filteredRow(batch: GraphBatch, b: number, palette: Palette, pixels: number): FilteredRow {
  const { given, generate, filter } = batch;
  const forced = batch.forced.subarray(b * generate, (b + 1) * generate);
  const tokens = new Int32Array(pixels);
  tokens.set(batch.tokens.subarray(b * given, (b + 1) * given));
  tokens.set(forced, given);
  // What lies below is not weighed, so that it does not matter what it is.
  const keep = Array.from(tokens, (token) => token !== -1);
  return {
    options: {
      ...{ candidates: filter?.candidates[b] ?? 1, seed: filter?.seed[b] ?? 0, sample: filter?.sample[b] ?? 0 },
      ...{ keep, side: Math.sqrt(pixels), tokens, palette },
    },
    sampling: { temperature: batch.temperature[b] ?? 1, topK: batch.topK[b] ?? 0, topP: batch.topP[b] ?? 1 },
  };
}

/** Writes a finished filter's sample into a batch's result. */
export function putSample(filter: CandidateFilter, { given, generate }: GraphBatch, b: number, out: GraphResult): void {
  const { tokens, nll } = filter.finished();
  out.samples.set(tokens.subarray(given, given + generate), b * generate);
  out.nll.set(nll.subarray(given, given + generate), b * generate);
}
