// Small helpers on 128-bit vectors.
//
// Vector constants that loops need are loaded from memory: an engine rebuilds a `v128.const` each time round.

import { constants } from "./state";

const ONES: usize = 0;
const EXP: usize = 16;

/** Writes the constants region; called once by `setup`. */
export function writeConstants(): void {
  v128.store(constants + ONES, i16x8.splat(1));
  const splats: usize = constants + EXP;
  v128.store(splats, f32x4.splat(12582912.0), 0);
  v128.store(splats, f32x4.splat(-126.0), 16);
  // Minimax polynomials of 2^f on [-1/2, 1/2]: degree 4, then degree 6.
  v128.store(splats, f32x4.splat(0.9999992847442627), 32);
  v128.store(splats, f32x4.splat(0.6931217908859253), 48);
  v128.store(splats, f32x4.splat(0.240247443318367), 64);
  v128.store(splats, f32x4.splat(0.05591783672571182), 80);
  v128.store(splats, f32x4.splat(0.009570079855620861), 96);
  v128.store(splats, f32x4.splat(1.0), 112);
  v128.store(splats, f32x4.splat(0.6931471824645996), 128);
  v128.store(splats, f32x4.splat(0.24022646248340607), 144);
  v128.store(splats, f32x4.splat(0.05550328642129898), 160);
  v128.store(splats, f32x4.splat(0.009618489071726799), 176);
  v128.store(splats, f32x4.splat(0.0013399930903688073), 192);
  v128.store(splats, f32x4.splat(0.00015345800784416497), 208);
}

/** Eight ones of int16: `i32x4.dot_i16x8_s` with it adds neighbours into int32. */
// @ts-ignore: decorator
@inline
export function ones(): v128 {
  return v128.load(constants + ONES);
}

/** 2^y for y <= 127, relative error below 3e-6; y below -126 counts as -126. */
// @ts-ignore: decorator
@inline
export function exp2Fast(y: v128): v128 {
  const c: usize = constants + EXP;
  const magic = v128.load(c, 0);
  const clamped = f32x4.pmax(y, v128.load(c, 16));
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
  const shifted = f32x4.add(clamped, magic);
  const f = f32x4.sub(clamped, f32x4.sub(shifted, magic));
  let p = f32x4.add(f32x4.mul(v128.load(c, 96), f), v128.load(c, 80));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 64));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 48));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 32));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** 2^y for |y| <= 126 (beyond that it saturates), relative error below 2e-7. */
// @ts-ignore: decorator
@inline
export function exp2Exact(y: v128): v128 {
  const c: usize = constants + EXP;
  const magic = v128.load(c, 0);
  const low = v128.load(c, 16);
  const clamped = f32x4.pmin(f32x4.pmax(y, low), f32x4.neg(low));
  const shifted = f32x4.add(clamped, magic);
  const f = f32x4.sub(clamped, f32x4.sub(shifted, magic));
  let p = f32x4.add(f32x4.mul(v128.load(c, 208), f), v128.load(c, 192));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 176));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 160));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 144));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 128));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 112));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** Sum of four lanes, always in the same order. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** [a0+a1+a2+a3, b0+..., c0+..., d0+...] of four int32 vectors. */
// @ts-ignore: decorator
@inline
export function sumEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3));
}
