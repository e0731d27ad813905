// Activations to integers, a row at a time: a row's numbers depend on that row alone, so a sample never depends on its
// batch. `rowScales` holds two f32 a row: scale and offset, x ~ offset + scale * q.

import { quantised, rowScales } from "./state";
import { maxLanes, toBytes } from "./vector";

/** Rows that lie together: as many as `linear` takes at once. */
// @ts-ignore: decorator
@inline
export function groupOf(rowsLeft: u32): u32 {
  return rowsLeft >= 4 ? 4 : rowsLeft >= 2 ? 2 : 1;
}

/** x f32 [rows, columns] -> `quantised`, in groups of rows [columns/4][group][4], with the rows' scales and offsets. */
export function quantiseRows(x: usize, rows: u32, columns: u32): void {
  for (let r: u32 = 0; r < rows; ) {
    const group = groupOf(rows - r);
    const to = quantised + <usize>r * columns;
    for (let i: u32 = 0; i < group; i++, r++) {
      quantise(x, columns, to + i * 4, group * 4, rowScales + <usize>(r * 8));
      x += <usize>(columns * 4);
    }
  }
}

/** q in [0, 127] over [min, max]: after QuickGELU a row is lopsided, so a range around zero would waste half of it. */
// @ts-ignore: decorator
@inline
function quantise(x: usize, columns: u32, q: usize, step: usize, scales: usize): void {
  // Each waits for the one before it, so there are two of both.
  let low = v128.load(x);
  let high = low;
  let low2 = low;
  let high2 = low;
  for (let p = x; p < x + <usize>(columns * 4); p += 32) {
    const v = v128.load(p, 0);
    low = f32x4.pmin(low, v);
    high = f32x4.pmax(high, v);
    const w = v128.load(p, 16);
    low2 = f32x4.pmin(low2, w);
    high2 = f32x4.pmax(high2, w);
  }
  const smallest: f32 = -maxLanes(f32x4.neg(f32x4.pmin(low, low2)));
  const range: f32 = maxLanes(f32x4.pmax(high, high2)) - smallest;
  const inverse = f32x4.splat(range > 0 ? <f32>127.0 / range : 0);
  const offset = f32x4.splat(smallest);
  store<f32>(scales, range / <f32>127.0, 0);
  store<f32>(scales, smallest, 4);
  for (let i: u32 = 0; i < columns; i += 16) {
    const p = x + <usize>(i * 4);
    const a = toBytes(f32x4.mul(f32x4.sub(v128.load(p, 0), offset), inverse));
    const b = toBytes(f32x4.mul(f32x4.sub(v128.load(p, 16), offset), inverse));
    const c = toBytes(f32x4.mul(f32x4.sub(v128.load(p, 32), offset), inverse));
    const d = toBytes(f32x4.mul(f32x4.sub(v128.load(p, 48), offset), inverse));
    const ab = i16x8.narrow_i32x4_s(a, b);
    const cd = i16x8.narrow_i32x4_s(c, d);
    const bytes = i8x16.narrow_i16x8_u(ab, cd);
    v128.store32_lane(q, bytes, 0);
    v128.store32_lane(q + step, bytes, 1);
    v128.store32_lane(q + 2 * step, bytes, 2);
    v128.store32_lane(q + 3 * step, bytes, 3);
    q += 4 * step;
  }
}
