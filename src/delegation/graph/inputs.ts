/** The input tensors of `igpt.onnx`: B samples, P given colours before the first generated one, R positions from there on. */
import { weighedEnd } from "../../model/candidates/steps.ts";
import type { Row, Sampling } from "../../model/engine.ts";
import { uniforms } from "../../model/sampling/uniforms.ts";
import type { CompletionSpec } from "../../model/types.ts";
import { fp32, int64, type Tensor } from "../protocol/index.ts";

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
  const picture = Array.from(tokens);
  const row = picture.slice(start, end).map((token, i) => (spec.keep[start + i] ? token : -1));
  return [
    int64("tokens", [range.count, start], repeat(picture.slice(0, start), range.count)),
    int64("forced", [range.count, end - start], repeat(row, range.count)),
    fp32("uniforms", [range.count, end - start], uniforms(spec.seed, range.first, range.count, start, end - start)),
    ...options(range.count, spec.sampling.temperature, spec.sampling.topK, spec.sampling.topP),
  ];
}

/**
 * An extension of the server's, named in its metadata, and what it adds to the graph: inputs `candidates`, `seed` and `sample`,
 * INT64 [B, 1]. `forced` then goes on to the last given pixel that candidates are weighed by, and each row comes back as one
 * sample, chosen from its candidates.
 */
export const CANDIDATES = "igpt_candidates";

/** A completion with candidates for a server with that extension; it draws the uniforms itself. */
export function candidateInputs(
  { keep, seed, sampling, candidates = 1 }: CompletionSpec,
  tokens: ArrayLike<number>,
  { first, count }: SampleRange,
  side: number,
): Tensor[] {
  const { start } = spanOf(keep);
  const picture = Array.from(tokens);
  const row = picture.slice(start, weighedEnd(keep, side)).map((token, i) => (keep[start + i] ? token : -1));
  const one = (name: string, value: (b: number) => number) =>
    int64(
      name,
      [count, 1],
      Array.from({ length: count }, (_, b) => value(b)),
    );
  return [
    int64("tokens", [count, start], repeat(picture.slice(0, start), count)),
    int64("forced", [count, row.length], repeat(row, count)),
    fp32("uniforms", [count, row.length], new Float32Array(count * row.length)),
    ...options(count, sampling.temperature, sampling.topK, sampling.topP),
    one("candidates", () => candidates),
    one("seed", () => seed),
    one("sample", (b) => first + b),
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
  { temperature, topK, topP }: Sampling,
): Tensor[] {
  const count = pictures.length;
  const shape = [count, forced.length / count];
  return [
    int64(
      "tokens",
      [count, position],
      pictures.flatMap((picture) => Array.from(picture.subarray(0, position))),
    ),
    int64("forced", shape, forced),
    fp32("uniforms", shape, uniforms),
    ...options(count, temperature, topK, topP),
  ];
}

/** Whole pictures to be read, R = 0: embeddings and likelihoods. @param pictures B pictures of [pixels] tokens */
export function readingInputs(pictures: readonly ArrayLike<number>[]): Tensor[] {
  const count = pictures.length;
  const tokens = pictures.flatMap((picture) => Array.from(picture));
  return [
    int64("tokens", [count, tokens.length / count], tokens),
    int64("forced", [count, 0], []),
    fp32("uniforms", [count, 0], new Float32Array(0)),
    ...options(count, 1, 0, 1),
  ];
}

function options(count: number, temperature: number, topK: number, topP: number): Tensor[] {
  return [
    fp32("temperature", [count, 1], new Float32Array(count).fill(temperature)),
    int64("top_k", [count, 1], new Array<number>(count).fill(topK)),
    fp32("top_p", [count, 1], new Float32Array(count).fill(topP)),
  ];
}

function repeat(row: readonly number[], times: number): number[] {
  return Array.from({ length: times }, () => row).flat();
}
