// Activations to integers, a row at a time: a row's numbers depend on that row alone, so a sample never depends on its
// batch. `rowScales` holds two f32 a row: scale and offset, x ~ offset + scale * q.

import { quantised, rowScales } from "./state";
import { maxLanes } from "./vector";

// ACTIVATION_BITS (7 or 12) is a constant of the build: `asc --use ACTIVATION_BITS=7`.

/** Bytes of a quantised activation. */
// @ts-ignore: decorator
@inline
export function activationBytes(): u32 {
  return ACTIVATION_BITS == 7 ? 1 : 2;
}

/** x f32[columns] -> row `row` of `quantised`, with its scale and offset. */
export function quantiseRow(x: usize, columns: u32, row: u32): void {
  const q = quantised + <usize>(row * columns * activationBytes());
  if (ACTIVATION_BITS == 7) sevenBits(x, columns, q, rowScales + <usize>(row * 8));
  else twelveBits(x, columns, q, rowScales + <usize>(row * 8));
}

/** q in [0, 127] over [min, max]: after QuickGELU a row is lopsided, so a range around zero would waste half of it. */
// @ts-ignore: decorator
@inline
function sevenBits(x: usize, columns: u32, q: usize, scales: usize): void {
  let low = v128.load(x);
  let high = low;
  for (let i: u32 = 4; i < columns; i += 4) {
    const v = v128.load(x + <usize>(i * 4));
    low = f32x4.pmin(low, v);
    high = f32x4.pmax(high, v);
  }
  const smallest: f32 = -maxLanes(f32x4.neg(low));
  const range: f32 = maxLanes(high) - smallest;
  const inverse = f32x4.splat(range > 0 ? <f32>127.0 / range : 0);
  const offset = f32x4.splat(smallest);
  store<f32>(scales, range / <f32>127.0, 0);
  store<f32>(scales, smallest, 4);
  // Adding 2^23 leaves the nearest integer in the low bits.
  const magic = f32x4.splat(8388608.0);
  const mask = i32x4.splat(0xff);
  for (let i: u32 = 0; i < columns; i += 16) {
    const p = x + <usize>(i * 4);
    const a = f32x4.add(f32x4.mul(f32x4.sub(v128.load(p, 0), offset), inverse), magic);
    const b = f32x4.add(f32x4.mul(f32x4.sub(v128.load(p, 16), offset), inverse), magic);
    const c = f32x4.add(f32x4.mul(f32x4.sub(v128.load(p, 32), offset), inverse), magic);
    const d = f32x4.add(f32x4.mul(f32x4.sub(v128.load(p, 48), offset), inverse), magic);
    const ab = i16x8.narrow_i32x4_s(v128.and(a, mask), v128.and(b, mask));
    const cd = i16x8.narrow_i32x4_s(v128.and(c, mask), v128.and(d, mask));
    v128.store(q + <usize>i, i8x16.narrow_i16x8_u(ab, cd));
  }
}

/** q in [-2047, 2047] around zero, in int16. */
// @ts-ignore: decorator
@inline
function twelveBits(x: usize, columns: u32, q: usize, scales: usize): void {
  let most = f32x4.abs(v128.load(x));
  for (let i: u32 = 4; i < columns; i += 4) most = f32x4.pmax(most, f32x4.abs(v128.load(x + <usize>(i * 4))));
  const range: f32 = maxLanes(most);
  const inverse = f32x4.splat(range > 0 ? <f32>2047.0 / range : 0);
  store<f32>(scales, range / <f32>2047.0, 0);
  store<f32>(scales, 0, 4);
  for (let i: u32 = 0; i < columns; i += 8) {
    const p = x + <usize>(i * 4);
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(p, 0), inverse)));
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(p, 16), inverse)));
    v128.store(q + <usize>(i * 2), i16x8.narrow_i32x4_s(a, b));
  }
}
