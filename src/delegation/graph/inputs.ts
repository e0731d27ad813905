/** What is asked of `igpt.onnx` or of a server with its tensors, as its inputs. */
import { weighedEnd } from "../../model/candidates/steps.ts";
import type { Row, Sampling } from "../../model/engine.ts";
import { uniforms } from "../../model/sampling/uniforms.ts";
import type { CompletionSpec } from "../../model/types.ts";
import type { Tensor } from "../protocol/index.ts";
import { CANDIDATE_INPUTS, INPUTS, tensorsOf } from "./interface.ts";

/** A run of sample indices: `first` .. `first + count - 1`. */
export interface SampleRange {
  first: number;
  count: number;
}

/** Where the generated pixels lie. */
export interface Span {
  /** P: the first generated pixel. */
  start: number;
  /** One past the last generated pixel: given ones after it need no computing. R = end - start. */
  end: number;
}

export function spanOf(keep: readonly boolean[]): Span {
  return { start: keep.indexOf(false), end: keep.lastIndexOf(false) + 1 };
}

/**
 * A completion as one stateless request. Uniforms are drawn here, by (seed, sample, position): whoever computes a sample,
 * in whatever batch, is given the same ones.
 * @param tokens [pixels] palette indices of the whole picture
 */
export function completionInputs(spec: CompletionSpec, tokens: ArrayLike<number>, range: SampleRange): Tensor[] {
  const { start, end } = spanOf(spec.keep);
  return plainInputs({
    ...same(spec.keep, tokens, start, end, range.count),
    uniforms: uniforms(spec.seed, range.first, range.count, start, end - start),
    sampling: spec.sampling,
  });
}

/** A completion with candidates for a server with the extension CANDIDATES; it draws the uniforms itself. */
export function candidateInputs(
  { keep, seed, sampling, candidates = 1 }: CompletionSpec,
  tokens: ArrayLike<number>,
  { first, count }: SampleRange,
  side: number,
): Tensor[] {
  const { start } = spanOf(keep);
  const end = weighedEnd(keep, side);
  return [
    ...plainInputs({
      ...same(keep, tokens, start, end, count),
      uniforms: new Float32Array(count * (end - start)),
      sampling,
    }),
    ...tensorsOf(
      CANDIDATE_INPUTS,
      { B: count },
      {
        candidates: new Int32Array(count).fill(candidates),
        seed: new Int32Array(count).fill(seed),
        sample: Int32Array.from({ length: count }, (_, b) => first + b),
      },
    ),
  ];
}

/**
 * A few positions of several pictures that differ in what they have so far: P = `position`.
 * @param pictures B pictures of [pixels] tokens, known up to `position` @param row [B, R]
 */
export function stepInputs(
  pictures: readonly Int32Array[],
  position: number,
  { forced, uniforms }: Row,
  sampling: Sampling,
): Tensor[] {
  const tokens = pictures.flatMap((picture) => Array.from(picture.subarray(0, position)));
  return plainInputs({ rows: pictures.length, tokens, forced, uniforms, sampling });
}

/** Whole pictures to be read, R = 0: embeddings and likelihoods. @param pictures B pictures of [pixels] tokens */
export function readingInputs(pictures: readonly ArrayLike<number>[]): Tensor[] {
  return plainInputs({
    rows: pictures.length,
    tokens: pictures.flatMap((picture) => Array.from(picture)),
    forced: [],
    uniforms: new Float32Array(0),
    sampling: { temperature: 1, topK: 0, topP: 1 },
  });
}

interface Batch {
  rows: number;
  /** [B, P] */
  tokens: ArrayLike<number>;
  /** [B, R] */
  forced: ArrayLike<number>;
  /** [B, R] */
  uniforms: Float32Array;
  /** Of every row. */
  sampling: Sampling;
}

function plainInputs({ rows, sampling, ...values }: Batch): Tensor[] {
  const { temperature, topK, topP } = sampling;
  const sizes = { B: rows, P: values.tokens.length / rows, R: values.forced.length / rows };
  return tensorsOf(INPUTS, sizes, {
    ...values,
    temperature: new Float32Array(rows).fill(temperature),
    top_k: new Int32Array(rows).fill(topK),
    top_p: new Float32Array(rows).fill(topP),
  });
}

/** The same picture in every row: what is given before `start`, and what is kept or drawn from there to `end`. */
function same(keep: readonly boolean[], picture: ArrayLike<number>, start: number, end: number, rows: number) {
  const tokens = Array.from(picture);
  const row = tokens.slice(start, end).map((token, i) => (keep[start + i] ? token : -1));
  return { rows, tokens: repeat(tokens.slice(0, start), rows), forced: repeat(row, rows) };
}

function repeat(row: readonly number[], times: number): number[] {
  return Array.from({ length: times }, () => row).flat();
}
