// y = W x + b for int8 weights [out, in] with one scale an output, and rows of quantised activations.
//
//   x ~ offset + scale * q   =>   y[o] = W.scale[o] * (scale * sum(W[o] q) + offset * sum(W[o])) + b[o]

import { addDot } from "./dot";
import { quantiseRow } from "./quantise";
import { quantised, rowScales } from "./state";
import { sumEach } from "./vector";

/**
 * x f32 [rows, inputs] -> y f32 [rows, outputs]; with `add`, y is added to.
 * Outputs go in fours; a last, incomplete four is moved back (so outputs >= 4, and a layer that adds has 4n outputs).
 */
export function linear(
  x: usize,
  y: usize,
  rows: u32,
  inputs: u32,
  outputs: u32,
  weight: usize,
  scale: usize,
  bias: usize,
  sums: usize,
  add: bool,
): void {
  for (let r: u32 = 0; r < rows; r++) quantiseRow(x + <usize>(r * inputs * 4), inputs, r);
  for (let o: u32 = 0; o < outputs; o += 4) {
    const first = min<u32>(o, outputs - 4);
    const w = weight + <usize>first * inputs;
    const at = <usize>(first * 4);
    let r: u32 = 0;
    for (; r + 2 <= rows; r += 2) twoRows(w, inputs, r, y, outputs, at, scale, bias, sums, add);
    if (r < rows) oneRow(w, inputs, r, y, outputs, at, scale, bias, sums, add);
  }
}

/** Four outputs of one row. */
function oneRow(
  w0: usize,
  inputs: u32,
  r: u32,
  y: usize,
  outputs: u32,
  at: usize,
  scale: usize,
  bias: usize,
  sums: usize,
  add: bool,
): void {
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  if (ACTIVATION_BITS == 7) {
    const q = quantised + <usize>(r * inputs);
    // Two sums an output: a dot waits for the one before it.
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    let i: usize = 0;
    for (; i + 32 <= <usize>inputs; i += 32) {
      const u = v128.load(q + i, 0);
      const v = v128.load(q + i, 16);
      a = addDot(a, v128.load(w0 + i, 0), u);
      b = addDot(b, v128.load(w1 + i, 0), u);
      c = addDot(c, v128.load(w2 + i, 0), u);
      d = addDot(d, v128.load(w3 + i, 0), u);
      e = addDot(e, v128.load(w0 + i, 16), v);
      f = addDot(f, v128.load(w1 + i, 16), v);
      g = addDot(g, v128.load(w2 + i, 16), v);
      h = addDot(h, v128.load(w3 + i, 16), v);
    }
    if (i < <usize>inputs) {
      const u = v128.load(q + i);
      a = addDot(a, v128.load(w0 + i), u);
      b = addDot(b, v128.load(w1 + i), u);
      c = addDot(c, v128.load(w2 + i), u);
      d = addDot(d, v128.load(w3 + i), u);
    }
    a = i32x4.add(a, e);
    b = i32x4.add(b, f);
    c = i32x4.add(c, g);
    d = i32x4.add(d, h);
  } else {
    const q = quantised + <usize>(r * inputs * 2);
    for (let i: usize = 0; i < inputs; i += 8) {
      const v = v128.load(q + i * 2);
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(w0 + i), v));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(w1 + i), v));
      c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load8x8_s(w2 + i), v));
      d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load8x8_s(w3 + i), v));
    }
  }
  finish(r, sumEach(a, b, c, d), y, outputs, at, scale, bias, sums, add);
}

/** Four outputs of rows r and r + 1. The same integers as `oneRow`, so a row does not depend on its neighbour. */
function twoRows(
  w0: usize,
  inputs: u32,
  r: u32,
  y: usize,
  outputs: u32,
  at: usize,
  scale: usize,
  bias: usize,
  sums: usize,
  add: bool,
): void {
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  if (ACTIVATION_BITS == 7) {
    const q = quantised + <usize>(r * inputs);
    const p = q + inputs;
    let i: usize = 0;
    // Unrolled twice: a step's address serves two loads.
    for (; i + 32 <= <usize>inputs; i += 32) {
      let u = v128.load(q + i, 0);
      let v = v128.load(p + i, 0);
      let w = v128.load(w0 + i, 0);
      a = addDot(a, w, u);
      e = addDot(e, w, v);
      w = v128.load(w1 + i, 0);
      b = addDot(b, w, u);
      f = addDot(f, w, v);
      w = v128.load(w2 + i, 0);
      c = addDot(c, w, u);
      g = addDot(g, w, v);
      w = v128.load(w3 + i, 0);
      d = addDot(d, w, u);
      h = addDot(h, w, v);
      u = v128.load(q + i, 16);
      v = v128.load(p + i, 16);
      w = v128.load(w0 + i, 16);
      a = addDot(a, w, u);
      e = addDot(e, w, v);
      w = v128.load(w1 + i, 16);
      b = addDot(b, w, u);
      f = addDot(f, w, v);
      w = v128.load(w2 + i, 16);
      c = addDot(c, w, u);
      g = addDot(g, w, v);
      w = v128.load(w3 + i, 16);
      d = addDot(d, w, u);
      h = addDot(h, w, v);
    }
    if (i < <usize>inputs) {
      const u = v128.load(q + i);
      const v = v128.load(p + i);
      let w = v128.load(w0 + i);
      a = addDot(a, w, u);
      e = addDot(e, w, v);
      w = v128.load(w1 + i);
      b = addDot(b, w, u);
      f = addDot(f, w, v);
      w = v128.load(w2 + i);
      c = addDot(c, w, u);
      g = addDot(g, w, v);
      w = v128.load(w3 + i);
      d = addDot(d, w, u);
      h = addDot(h, w, v);
    }
  } else {
    const q = quantised + <usize>(r * inputs * 2);
    const p = q + <usize>(inputs * 2);
    for (let i: usize = 0; i < inputs; i += 8) {
      const u = v128.load(q + i * 2);
      const v = v128.load(p + i * 2);
      let w = v128.load8x8_s(w0 + i);
      a = i32x4.add(a, i32x4.dot_i16x8_s(w, u));
      e = i32x4.add(e, i32x4.dot_i16x8_s(w, v));
      w = v128.load8x8_s(w1 + i);
      b = i32x4.add(b, i32x4.dot_i16x8_s(w, u));
      f = i32x4.add(f, i32x4.dot_i16x8_s(w, v));
      w = v128.load8x8_s(w2 + i);
      c = i32x4.add(c, i32x4.dot_i16x8_s(w, u));
      g = i32x4.add(g, i32x4.dot_i16x8_s(w, v));
      w = v128.load8x8_s(w3 + i);
      d = i32x4.add(d, i32x4.dot_i16x8_s(w, u));
      h = i32x4.add(h, i32x4.dot_i16x8_s(w, v));
    }
  }
  finish(r, sumEach(a, b, c, d), y, outputs, at, scale, bias, sums, add);
  finish(r + 1, sumEach(e, f, g, h), y, outputs, at, scale, bias, sums, add);
}

/** From integer dots to four outputs; `at` is the byte offset of the first. */
// @ts-ignore: decorator
@inline
function finish(
  r: u32,
  dots: v128,
  y: usize,
  outputs: u32,
  at: usize,
  scale: usize,
  bias: usize,
  sums: usize,
  add: bool,
): void {
  const row = rowScales + <usize>(r * 8);
  let v = f32x4.mul(f32x4.convert_i32x4_s(dots), v128.load32_splat(row, 0));
  if (ACTIVATION_BITS == 7) v = f32x4.add(v, f32x4.mul(v128.load(sums + at), v128.load32_splat(row, 4)));
  v = f32x4.mul(v, v128.load(scale + at));
  if (bias) v = f32x4.add(v, v128.load(bias + at));
  const out = y + <usize>(r * outputs * 4) + at;
  if (add) v = f32x4.add(v, v128.load(out));
  v128.store(out, v);
}

/** sums[o] = sum over i of W[o, i], as f32 (exact: below 2^24 for up to 132,000 inputs). */
export function sumRows(weight: usize, inputs: u32, outputs: u32, sums: usize): void {
  for (let o: u32 = 0; o < outputs; o++) {
    const w = weight + <usize>o * inputs;
    let total = i32x4.splat(0);
    for (let i: usize = 0; i < inputs; i += 16) {
      total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(w + i))));
    }
    const sum = sumEach(total, total, total, total);
    store<f32>(sums + <usize>(o * 4), <f32>i32x4.extract_lane(sum, 0));
  }
}
