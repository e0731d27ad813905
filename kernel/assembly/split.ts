// The tiles of linear.ts for `Split` dots (dot.ts). There only an addition waits for the one before it, a cycle, so a tile needs few
// sums, and registers are left for the ones and for the rows' inputs: one load and some shuffles in place of four loads. That
// pays where an engine checks each load's address in code, which costs as much as a dot. Each pass reads its block from end to end
// and once: while it multiplies, the processor reads ahead in what comes next.

import { addDotBy, Split } from "./dot";
import { finishPair } from "./finish";
import { ONES } from "./vector";

/** A block of two vectors times four rows. */
export function fourRowsSplit(w: usize, q: usize, inputs: u32, r: u32, y: usize, stride: usize): void {
  const ones = v128.load(ONES);
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero;
  let b0 = zero, b1 = zero;
  let c0 = zero, c1 = zero;
  let d0 = zero, d1 = zero;
  for (const end = q + <usize>(inputs * 4); q < end; q += 16) {
    const rows = v128.load(q);
    const v = v128.load(w, 0);
    const u = v128.load(w, 16);
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
    w += 32;
  }
  finishPair(a0, a1, r, y, 0);
  finishPair(b0, b1, r + 1, y + stride, 0);
  finishPair(c0, c1, r + 2, y + 2 * stride, 0);
  finishPair(d0, d1, r + 3, y + 3 * stride, 0);
}

/** `blocks` blocks, one after another, times two rows. */
export function twoRowsSplit(w: usize, q: usize, inputs: u32, blocks: u32, r: u32, y: usize, stride: usize): void {
  const ones = v128.load(ONES);
  const end = q + <usize>(inputs * 2);
  let out: usize = 0;
  for (const last = w + <usize>blocks * inputs * 8; w < last; ) {
    const zero = i32x4.splat(0);
    let a0 = zero, a1 = zero;
    let b0 = zero, b1 = zero;
    for (let at = q; at < end; at += 16) {
      const rows = v128.load(at);
      let x = v128.shuffle<i32>(rows, rows, 0, 0, 0, 0);
      let z = v128.shuffle<i32>(rows, rows, 1, 1, 1, 1);
      let v = v128.load(w, 0);
      a0 = addDotBy<Split>(a0, v, x, ones);
      b0 = addDotBy<Split>(b0, v, z, ones);
      v = v128.load(w, 16);
      a1 = addDotBy<Split>(a1, v, x, ones);
      b1 = addDotBy<Split>(b1, v, z, ones);
      x = v128.shuffle<i32>(rows, rows, 2, 2, 2, 2);
      z = v128.shuffle<i32>(rows, rows, 3, 3, 3, 3);
      v = v128.load(w, 32);
      a0 = addDotBy<Split>(a0, v, x, ones);
      b0 = addDotBy<Split>(b0, v, z, ones);
      v = v128.load(w, 48);
      a1 = addDotBy<Split>(a1, v, x, ones);
      b1 = addDotBy<Split>(b1, v, z, ones);
      w += 64;
    }
    finishPair(a0, a1, r, y + out, out);
    finishPair(b0, b1, r + 1, y + stride + out, out);
    out += 32;
  }
}

/** `blocks` blocks, one after another, times one row. */
export function oneRowSplit(w: usize, q: usize, inputs: u32, blocks: u32, r: u32, y: usize): void {
  const ones = v128.load(ONES);
  const end = q + inputs;
  let out: usize = 0;
  for (const last = w + <usize>blocks * inputs * 8; w < last; ) {
    let a0 = i32x4.splat(0), a1 = a0;
    for (let at = q; at < end; at += 16) {
      const row = v128.load(at);
      let x = v128.shuffle<i32>(row, row, 0, 0, 0, 0);
      a0 = addDotBy<Split>(a0, v128.load(w, 0), x, ones);
      a1 = addDotBy<Split>(a1, v128.load(w, 16), x, ones);
      x = v128.shuffle<i32>(row, row, 1, 1, 1, 1);
      a0 = addDotBy<Split>(a0, v128.load(w, 32), x, ones);
      a1 = addDotBy<Split>(a1, v128.load(w, 48), x, ones);
      x = v128.shuffle<i32>(row, row, 2, 2, 2, 2);
      a0 = addDotBy<Split>(a0, v128.load(w, 64), x, ones);
      a1 = addDotBy<Split>(a1, v128.load(w, 80), x, ones);
      x = v128.shuffle<i32>(row, row, 3, 3, 3, 3);
      a0 = addDotBy<Split>(a0, v128.load(w, 96), x, ones);
      a1 = addDotBy<Split>(a1, v128.load(w, 112), x, ones);
      w += 128;
    }
    finishPair(a0, a1, r, y + out, out);
    out += 32;
  }
}
