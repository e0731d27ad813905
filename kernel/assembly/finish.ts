// From a tile's integer sums to outputs: y[o] = W.scale[o] * (scale * sum(W[o] q) + offset * sum(W[o])) + b[o].

import { rowScales } from "./state";

/** Of the outputs at hand, the first one's: scale, bias (0: none), sum of weights; and whether y is added to. */
export let scales: usize = 0;
export let biases: usize = 0;
export let sums: usize = 0;
export let adding: bool = false;

/** Whether y is added to, by all of a `linear`. */
export function setAdding(add: bool): void {
  adding = add;
}

/** Says which outputs are at hand. @returns where the first row's are */
// @ts-ignore: decorator
@inline
export function first(output: u32, y: usize, scale: usize, bias: usize, weightSums: usize): usize {
  const at = <usize>(output * 4);
  scales = scale + at;
  biases = bias ? bias + at : 0;
  sums = weightSums + at;
  return y + at;
}

/** A vector of sums of one row to outputs at y; `at`: their place after the first output at hand, in bytes. */
// @ts-ignore: decorator
@inline
export function finishVector(a: v128, r: u32, y: usize, at: usize): void {
  const row = rowScales + <usize>(r * 8);
  finish(a, v128.load32_splat(row, 0), v128.load32_splat(row, 4), y, at);
}

/** The same of three vectors, the first of which is the first at hand. */
// @ts-ignore: decorator
@inline
export function finishRow(a: v128, b: v128, c: v128, r: u32, y: usize): void {
  const row = rowScales + <usize>(r * 8);
  const scale = v128.load32_splat(row, 0);
  const offset = v128.load32_splat(row, 4);
  finish(a, scale, offset, y, 0);
  finish(b, scale, offset, y + 16, 16);
  finish(c, scale, offset, y + 32, 32);
}

/** The same of two vectors. */
// @ts-ignore: decorator
@inline
export function finishPair(a: v128, b: v128, r: u32, y: usize, at: usize): void {
  const row = rowScales + <usize>(r * 8);
  const scale = v128.load32_splat(row, 0);
  const offset = v128.load32_splat(row, 4);
  finish(a, scale, offset, y, at);
  finish(b, scale, offset, y + 16, at + 16);
}

/** Four sums to four outputs; `at`: their place after the first one at hand, in bytes. */
// @ts-ignore: decorator
@inline
function finish(dots: v128, scale: v128, offset: v128, y: usize, at: usize): void {
  let v = f32x4.mul(f32x4.convert_i32x4_s(dots), scale);
  v = f32x4.add(v, f32x4.mul(v128.load(sums + at), offset));
  v = f32x4.mul(v, v128.load(scales + at));
  if (biases) v = f32x4.add(v, v128.load(biases + at));
  if (adding) v = f32x4.add(v, v128.load(y));
  v128.store(y, v);
}
