/** One sample by its candidates where the model is stateless: each step is a request that begins at the picture's top. */
import { CandidateFilter, type FilterOptions } from "../model/candidates/filter.ts";
import type { Row, RowResult } from "../model/engine.ts";

/** Candidates of one call: a batch of the exported Triton configuration. */
const CALL_CANDIDATES = 16;

/** Runs `row` after the first `position` pixels of each picture. */
export type Infer = (pictures: readonly Int32Array[], position: number, row: Row) => Promise<RowResult>;

/** @returns the filter with all its steps done */
export async function filteredStepwise(options: FilterOptions, infer: Infer): Promise<CandidateFilter> {
  const { candidates } = options;
  const filter = new CandidateFilter(options);
  for (const [n, { start, end }] of filter.steps.entries()) {
    const length = end - start;
    const row = filter.row(start, length);
    const parts: Promise<RowResult>[] = [];
    for (let c = 0; c < candidates; c += CALL_CANDIDATES) {
      const to = Math.min(candidates, c + CALL_CANDIDATES);
      const part = {
        forced: row.forced.slice(c * length, to * length),
        uniforms: row.uniforms.slice(c * length, to * length),
      };
      parts.push(infer(filter.pictures.slice(c, to), start, part));
    }
    filter.take(start, length, joined(await Promise.all(parts), row));
    const next = filter.steps[n + 1];
    if (next) filter.weigh(next);
  }
  return filter;
}

function joined(parts: readonly RowResult[], { forced }: Row): RowResult {
  const whole = { tokens: new Int32Array(forced.length), nll: new Float32Array(forced.length) };
  let at = 0;
  for (const { tokens, nll } of parts) {
    whole.tokens.set(tokens, at);
    whole.nll.set(nll, at);
    at += tokens.length;
  }
  return whole;
}
