// The tiles of linear.ts for `Split` dots (dot.ts). There only an addition waits for the one before it, a cycle, so a tile needs few
// sums, and registers are left for the ones and for the rows' inputs: one load and four shuffles in place of four loads. That
// pays where an engine checks each load's address in code, which costs as much as a dot.

import { addDotBy, Split } from "./dot";
import { finishRow } from "./finish";
import { ONES } from "./vector";

/** Two vectors of the block with four rows, then the third: so that all of a pass stays in registers. */
export function fourRowsSplit(w: usize, q: usize, inputs: u32, r: u32, y: usize, stride: usize): void {
  const ones = v128.load(ONES);
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero;
  let b0 = zero, b1 = zero;
  let c0 = zero, c1 = zero;
  let d0 = zero, d1 = zero;
  const end = q + <usize>(inputs * 4);
  let p = w;
  for (let at = q; at < end; at += 16) {
    const rows = v128.load(at);
    const v = v128.load(p, 0);
    const u = v128.load(p, 16);
    let x = v128.shuffle<i32>(rows, rows, 0, 0, 0, 0);
    a0 = addDotBy<Split>(a0, v, x, ones);
    a1 = addDotBy<Split>(a1, u, x, ones);
    x = v128.shuffle<i32>(rows, rows, 1, 1, 1, 1);
    b0 = addDotBy<Split>(b0, v, x, ones);
    b1 = addDotBy<Split>(b1, u, x, ones);
    x = v128.shuffle<i32>(rows, rows, 2, 2, 2, 2);
    c0 = addDotBy<Split>(c0, v, x, ones);
    c1 = addDotBy<Split>(c1, u, x, ones);
    x = v128.shuffle<i32>(rows, rows, 3, 3, 3, 3);
    d0 = addDotBy<Split>(d0, v, x, ones);
    d1 = addDotBy<Split>(d1, u, x, ones);
    p += 48;
  }
  let a2 = zero, b2 = zero, c2 = zero, d2 = zero;
  p = w + 32;
  for (let at = q; at < end; at += 32) {
    let rows = v128.load(at, 0);
    let v = v128.load(p, 0);
    a2 = addDotBy<Split>(a2, v, v128.shuffle<i32>(rows, rows, 0, 0, 0, 0), ones);
    b2 = addDotBy<Split>(b2, v, v128.shuffle<i32>(rows, rows, 1, 1, 1, 1), ones);
    c2 = addDotBy<Split>(c2, v, v128.shuffle<i32>(rows, rows, 2, 2, 2, 2), ones);
    d2 = addDotBy<Split>(d2, v, v128.shuffle<i32>(rows, rows, 3, 3, 3, 3), ones);
    rows = v128.load(at, 16);
    v = v128.load(p, 48);
    a2 = addDotBy<Split>(a2, v, v128.shuffle<i32>(rows, rows, 0, 0, 0, 0), ones);
    b2 = addDotBy<Split>(b2, v, v128.shuffle<i32>(rows, rows, 1, 1, 1, 1), ones);
    c2 = addDotBy<Split>(c2, v, v128.shuffle<i32>(rows, rows, 2, 2, 2, 2), ones);
    d2 = addDotBy<Split>(d2, v, v128.shuffle<i32>(rows, rows, 3, 3, 3, 3), ones);
    p += 96;
  }
  finishRow(a0, a1, a2, r, y);
  finishRow(b0, b1, b2, r + 1, y + stride);
  finishRow(c0, c1, c2, r + 2, y + 2 * stride);
  finishRow(d0, d1, d2, r + 3, y + 3 * stride);
}

export function twoRowsSplit(w: usize, q: usize, inputs: u32, r: u32, y: usize, stride: usize): void {
  const ones = v128.load(ONES);
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero;
  let b0 = zero, b1 = zero, b2 = zero;
  for (const end = q + <usize>(inputs * 2); q < end; q += 16) {
    const rows = v128.load(q);
    let x = v128.shuffle<i32>(rows, rows, 0, 0, 0, 0);
    let z = v128.shuffle<i32>(rows, rows, 1, 1, 1, 1);
    let v = v128.load(w, 0);
    a0 = addDotBy<Split>(a0, v, x, ones);
    b0 = addDotBy<Split>(b0, v, z, ones);
    v = v128.load(w, 16);
    a1 = addDotBy<Split>(a1, v, x, ones);
    b1 = addDotBy<Split>(b1, v, z, ones);
    v = v128.load(w, 32);
    a2 = addDotBy<Split>(a2, v, x, ones);
    b2 = addDotBy<Split>(b2, v, z, ones);
    x = v128.shuffle<i32>(rows, rows, 2, 2, 2, 2);
    z = v128.shuffle<i32>(rows, rows, 3, 3, 3, 3);
    v = v128.load(w, 48);
    a0 = addDotBy<Split>(a0, v, x, ones);
    b0 = addDotBy<Split>(b0, v, z, ones);
    v = v128.load(w, 64);
    a1 = addDotBy<Split>(a1, v, x, ones);
    b1 = addDotBy<Split>(b1, v, z, ones);
    v = v128.load(w, 80);
    a2 = addDotBy<Split>(a2, v, x, ones);
    b2 = addDotBy<Split>(b2, v, z, ones);
    w += 96;
  }
  finishRow(a0, a1, a2, r, y);
  finishRow(b0, b1, b2, r + 1, y + stride);
}

export function oneRowSplit(w: usize, q: usize, inputs: u32, r: u32, y: usize): void {
  const ones = v128.load(ONES);
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0;
  for (const end = q + inputs; q < end; q += 16) {
    const row = v128.load(q);
    let x = v128.shuffle<i32>(row, row, 0, 0, 0, 0);
    a0 = addDotBy<Split>(a0, v128.load(w, 0), x, ones);
    a1 = addDotBy<Split>(a1, v128.load(w, 16), x, ones);
    a2 = addDotBy<Split>(a2, v128.load(w, 32), x, ones);
    x = v128.shuffle<i32>(row, row, 1, 1, 1, 1);
    a0 = addDotBy<Split>(a0, v128.load(w, 48), x, ones);
    a1 = addDotBy<Split>(a1, v128.load(w, 64), x, ones);
    a2 = addDotBy<Split>(a2, v128.load(w, 80), x, ones);
    x = v128.shuffle<i32>(row, row, 2, 2, 2, 2);
    a0 = addDotBy<Split>(a0, v128.load(w, 96), x, ones);
    a1 = addDotBy<Split>(a1, v128.load(w, 112), x, ones);
    a2 = addDotBy<Split>(a2, v128.load(w, 128), x, ones);
    x = v128.shuffle<i32>(row, row, 3, 3, 3, 3);
    a0 = addDotBy<Split>(a0, v128.load(w, 144), x, ones);
    a1 = addDotBy<Split>(a1, v128.load(w, 160), x, ones);
    a2 = addDotBy<Split>(a2, v128.load(w, 176), x, ones);
    w += 192;
  }
  finishRow(a0, a1, a2, r, y);
}
