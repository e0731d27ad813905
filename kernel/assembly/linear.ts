// y = W x + b for int8 weights with one scale an output, packed by pack.ts, and rows of quantised activations.
//
//   x ~ offset + scale * q   =>   y[o] = W.scale[o] * (scale * sum(W[o] q) + offset * sum(W[o])) + b[o]
//
// A dot multiplies four inputs of a row with four inputs of four outputs: its lanes are outputs, and nothing is left to
// be added across them. A tile is a block of weights times up to four rows. Those of `Fused` have twelve sums: a dot takes
// five cycles and two begin in each, so fewer than ten would wait for each other, and sums and operands fill fifteen
// registers. split.ts has those of `Split`. Sums are integers, so a row's do not depend on which tile it is in.

import { addDot, isSplit } from "./dot";
import { adding, biases, finishRow, finishVector, first, scales, setAdding, sums } from "./finish";
import { tileOf, vectorsOf } from "./pack";
import { groupOf, quantiseRows } from "./quantise";
import { fourRowsSplit, oneRowSplit, twoRowsSplit } from "./split";
import { quantised, rowScales, zero } from "./state";

/** x f32 [rows, inputs] -> y f32 [rows, outputs]; with `add`, y is added to. `bias` 0: none. */
export function linear<Way>(
  x: usize,
  y: usize,
  rows: u32,
  inputs: u32,
  outputs: u32,
  weight: usize,
  scale: usize,
  bias: usize,
  weightSums: usize,
  add: bool,
): void {
  quantiseRows(x, rows, inputs);
  setAdding(add);
  const stride = <usize>(outputs * 4);
  const vectors = vectorsOf(outputs);
  const tile = tileOf(isSplit<Way>());
  // One row or two go through all blocks in one call; more groups of rows share each block while it is near.
  const blocks: u32 = isSplit<Way>() && rows <= 2 ? vectors / tile : 1;
  let v: u32 = 0;
  for (; v + tile <= vectors; v += blocks * tile) {
    const at = first(v * 4, y, scale, bias, weightSums);
    for (let r: u32 = 0; r < rows; r += groupOf(rows - r)) {
      whole<Way>(weight + <usize>(v * 4) * inputs, blocks, r, groupOf(rows - r), inputs, at + r * stride, stride);
    }
  }
  if (v < vectors) {
    const at = first(v * 4, y, scale, bias, weightSums);
    for (let r: u32 = 0; r < rows; r += groupOf(rows - r)) {
      rest<Way>(weight + <usize>(v * 4) * inputs, vectors - v, r, groupOf(rows - r), inputs, at + r * stride, stride);
    }
  }
  for (let o = vectors * 4; o < outputs; o++) {
    const at = first(o, y, scale, bias, weightSums);
    for (let r: u32 = 0; r < rows; r += groupOf(rows - r)) {
      single(weight + <usize>o * inputs, r, groupOf(rows - r), inputs, at + r * stride, stride);
    }
  }
}

/** Whole blocks times the rows r .. r + group - 1; `stride`: bytes between rows of y. More than one block: `Split`, one or two rows. */
// @ts-ignore: decorator
@inline
function whole<Way>(w: usize, blocks: u32, r: u32, group: u32, inputs: u32, y: usize, stride: usize): void {
  const q = quantised + <usize>r * inputs;
  if (isSplit<Way>()) {
    if (group == 4) fourRowsSplit(w, q, inputs, r, y, stride);
    else if (group == 2) twoRowsSplit(w, q, inputs, blocks, r, y, stride);
    else oneRowSplit(w, q, inputs, blocks, r, y);
    return;
  }
  if (group == 4) fourRows<Way>(w, q, inputs, r, y, stride);
  else if (group == 2) twoRows<Way>(w, q, inputs, r, y, stride);
  else oneRow<Way>(w, q, inputs, r, y);
}

/** The last block, of `count` vectors, times the same rows. */
// @ts-ignore: decorator
@inline
function rest<Way>(w: usize, count: u32, r: u32, group: u32, inputs: u32, y: usize, stride: usize): void {
  const q = quantised + <usize>r * inputs;
  for (let j: u32 = 0; j < count; j++) {
    if (group == 4) {
      fourRowsOneVector<Way>(w + j * 16, count * 16, q, inputs, r, y + j * 16, stride, j * 16);
      continue;
    }
    for (let i: u32 = 0; i < group; i++) {
      oneVector<Way>(w + j * 16, count * 16, q + i * 4, group * 4, inputs, r + i, y + i * stride + j * 16, j * 16);
    }
  }
}

function fourRows<Way>(w: usize, q: usize, inputs: u32, r: u32, y: usize, stride: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0;
  let b0 = a0, b1 = a0, b2 = a0;
  let c0 = a0, c1 = a0, c2 = a0;
  let d0 = a0, d1 = a0, d2 = a0;
  // The third vector takes its inputs by an address that only we know to be the same: otherwise the compiler would keep
  // all four rows' in registers, and there is none left.
  let p = q + zero;
  for (const end = q + <usize>(inputs * 4); q < end; q += 16) {
    let v = v128.load(w, 0);
    const w1 = v128.load(w, 16);
    let x = v128.load32_splat(q, 0);
    a0 = addDot<Way>(a0, v, x);
    a1 = addDot<Way>(a1, w1, x);
    x = v128.load32_splat(q, 4);
    b0 = addDot<Way>(b0, v, x);
    b1 = addDot<Way>(b1, w1, x);
    x = v128.load32_splat(q, 8);
    c0 = addDot<Way>(c0, v, x);
    c1 = addDot<Way>(c1, w1, x);
    x = v128.load32_splat(q, 12);
    d0 = addDot<Way>(d0, v, x);
    d1 = addDot<Way>(d1, w1, x);
    v = v128.load(w, 32);
    a2 = addDot<Way>(a2, v, v128.load32_splat(p, 0));
    b2 = addDot<Way>(b2, v, v128.load32_splat(p, 4));
    c2 = addDot<Way>(c2, v, v128.load32_splat(p, 8));
    d2 = addDot<Way>(d2, v, v128.load32_splat(p, 12));
    w += 48;
    p += 16;
  }
  finishRow(a0, a1, a2, r, y);
  finishRow(b0, b1, b2, r + 1, y + stride);
  finishRow(c0, c1, c2, r + 2, y + 2 * stride);
  finishRow(d0, d1, d2, r + 3, y + 3 * stride);
}

/** What is left of the outputs, with two sums a row. */
function fourRowsOneVector<Way>(w: usize, step: usize, q: usize, inputs: u32, r: u32, y: usize, stride: usize, at: usize): void {
  let a0 = i32x4.splat(0), a1 = a0;
  let b0 = a0, b1 = a0;
  let c0 = a0, c1 = a0;
  let d0 = a0, d1 = a0;
  for (const end = q + <usize>(inputs * 4); q < end; q += 32) {
    let v = v128.load(w);
    a0 = addDot<Way>(a0, v, v128.load32_splat(q, 0));
    b0 = addDot<Way>(b0, v, v128.load32_splat(q, 4));
    c0 = addDot<Way>(c0, v, v128.load32_splat(q, 8));
    d0 = addDot<Way>(d0, v, v128.load32_splat(q, 12));
    w += step;
    v = v128.load(w);
    a1 = addDot<Way>(a1, v, v128.load32_splat(q, 16));
    b1 = addDot<Way>(b1, v, v128.load32_splat(q, 20));
    c1 = addDot<Way>(c1, v, v128.load32_splat(q, 24));
    d1 = addDot<Way>(d1, v, v128.load32_splat(q, 28));
    w += step;
  }
  finishVector(i32x4.add(a0, a1), r, y, at);
  finishVector(i32x4.add(b0, b1), r + 1, y + stride, at);
  finishVector(i32x4.add(c0, c1), r + 2, y + 2 * stride, at);
  finishVector(i32x4.add(d0, d1), r + 3, y + 3 * stride, at);
}

/** Two rows have sums of their own for every other four inputs; one row, for each four of sixteen. */
function twoRows<Way>(w: usize, q: usize, inputs: u32, r: u32, y: usize, stride: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0;
  let b0 = a0, b1 = a0, b2 = a0;
  let c0 = a0, c1 = a0, c2 = a0;
  let d0 = a0, d1 = a0, d2 = a0;
  for (const end = q + <usize>(inputs * 2); q < end; q += 16) {
    let x = v128.load32_splat(q, 0);
    let z = v128.load32_splat(q, 4);
    let v = v128.load(w, 0);
    a0 = addDot<Way>(a0, v, x);
    b0 = addDot<Way>(b0, v, z);
    v = v128.load(w, 16);
    a1 = addDot<Way>(a1, v, x);
    b1 = addDot<Way>(b1, v, z);
    v = v128.load(w, 32);
    a2 = addDot<Way>(a2, v, x);
    b2 = addDot<Way>(b2, v, z);
    x = v128.load32_splat(q, 8);
    z = v128.load32_splat(q, 12);
    v = v128.load(w, 48);
    c0 = addDot<Way>(c0, v, x);
    d0 = addDot<Way>(d0, v, z);
    v = v128.load(w, 64);
    c1 = addDot<Way>(c1, v, x);
    d1 = addDot<Way>(d1, v, z);
    v = v128.load(w, 80);
    c2 = addDot<Way>(c2, v, x);
    d2 = addDot<Way>(d2, v, z);
    w += 96;
  }
  finishRow(i32x4.add(a0, c0), i32x4.add(a1, c1), i32x4.add(a2, c2), r, y);
  finishRow(i32x4.add(b0, d0), i32x4.add(b1, d1), i32x4.add(b2, d2), r + 1, y + stride);
}

function oneRow<Way>(w: usize, q: usize, inputs: u32, r: u32, y: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0;
  let b0 = a0, b1 = a0, b2 = a0;
  let c0 = a0, c1 = a0, c2 = a0;
  let d0 = a0, d1 = a0, d2 = a0;
  for (const end = q + inputs; q < end; q += 16) {
    let x = v128.load32_splat(q, 0);
    a0 = addDot<Way>(a0, v128.load(w, 0), x);
    a1 = addDot<Way>(a1, v128.load(w, 16), x);
    a2 = addDot<Way>(a2, v128.load(w, 32), x);
    x = v128.load32_splat(q, 4);
    b0 = addDot<Way>(b0, v128.load(w, 48), x);
    b1 = addDot<Way>(b1, v128.load(w, 64), x);
    b2 = addDot<Way>(b2, v128.load(w, 80), x);
    x = v128.load32_splat(q, 8);
    c0 = addDot<Way>(c0, v128.load(w, 96), x);
    c1 = addDot<Way>(c1, v128.load(w, 112), x);
    c2 = addDot<Way>(c2, v128.load(w, 128), x);
    x = v128.load32_splat(q, 12);
    d0 = addDot<Way>(d0, v128.load(w, 144), x);
    d1 = addDot<Way>(d1, v128.load(w, 160), x);
    d2 = addDot<Way>(d2, v128.load(w, 176), x);
    w += 192;
  }
  a0 = i32x4.add(i32x4.add(a0, b0), i32x4.add(c0, d0));
  a1 = i32x4.add(i32x4.add(a1, b1), i32x4.add(c1, d1));
  a2 = i32x4.add(i32x4.add(a2, b2), i32x4.add(c2, d2));
  finishRow(a0, a1, a2, r, y);
}

/** One vector of a block times one row, where there is no whole block. Steps are in bytes. */
function oneVector<Way>(w: usize, step: usize, q: usize, qStep: usize, inputs: u32, r: u32, y: usize, at: usize): void {
  let a = i32x4.splat(0);
  let b = a;
  for (let i: u32 = 0; i < inputs; i += 8) {
    a = addDot<Way>(a, v128.load(w), v128.load32_splat(q));
    b = addDot<Way>(b, v128.load(w + step), v128.load32_splat(q + qStep));
    w += 2 * step;
    q += 2 * qStep;
  }
  finishVector(i32x4.add(a, b), r, y, at);
}

/** One output that is in no vector, its weights as they came: the same sums, and the same steps from them to y. */
function single(w: usize, r: u32, group: u32, inputs: u32, y: usize, stride: usize): void {
  for (let i: u32 = 0; i < group; i++) {
    let q = quantised + <usize>r * inputs + i * 4;
    let sum: i32 = 0;
    for (let at: u32 = 0; at < inputs; at++) {
      sum += <i32>load<i8>(w + at) * <i32>load<u8>(q);
      q += at % 4 == 3 ? (group - 1) * 4 + 1 : 1;
    }
    const row = rowScales + <usize>((r + i) * 8);
    const out = y + i * stride;
    let v: f32 = <f32>sum * load<f32>(row, 0);
    v += load<f32>(sums) * load<f32>(row, 4);
    v *= load<f32>(scales);
    if (biases) v += load<f32>(biases);
    if (adding) v += load<f32>(out);
    store<f32>(out, v);
  }
}
