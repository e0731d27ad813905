// Small helpers on 128-bit vectors.
//
// Vector constants that loops need are loaded from memory: an engine rebuilds a `v128.const` each time round.

import { constants } from "./state";

/** Address of eight int16 of 1. */
export const ONES: usize = constants + 256;

/** Address of the exponent below which a block of positions is left out of a softmax, four times. */
export const LEAST: usize = constants + 272;

/** Writes the constants region; called once by `setup`. */
export function writeConstants(): void {
  const splats: usize = constants;
  v128.store(splats, f32x4.splat(12582912.0), 0);
  v128.store(splats, f32x4.splat(-126.0), 16);
  // Minimax polynomials of 2^f on [-1/2, 1/2]: degree 3, then degree 6.
  v128.store(splats, f32x4.splat(0.9999281167984009), 32);
  v128.store(splats, f32x4.splat(0.6932609677314758), 48);
  v128.store(splats, f32x4.splat(0.24261081218719482), 64);
  v128.store(splats, f32x4.splat(0.055171433836221695), 80);
  v128.store(splats, f32x4.splat(1.0), 96);
  v128.store(splats, f32x4.splat(0.6931471824645996), 112);
  v128.store(splats, f32x4.splat(0.24022646248340607), 128);
  v128.store(splats, f32x4.splat(0.05550328642129898), 144);
  v128.store(splats, f32x4.splat(0.009618489071726799), 160);
  v128.store(splats, f32x4.splat(0.0013399930903688073), 176);
  v128.store(splats, f32x4.splat(0.00015345800784416497), 192);
  v128.store(splats, f32x4.splat(-110.0), 208);
  v128.store(splats, f32x4.splat(8388608.0), 224);
  v128.store(splats, i32x4.splat(0xff), 240);
  v128.store(ONES, i16x8.splat(1));
  v128.store(LEAST, f32x4.splat(-12.0));
}

/** Zeroes `bytes`, a multiple of 16: for short runs far cheaper than the call that memory.fill is. */
// @ts-ignore: decorator
@inline
export function clear(at: usize, bytes: usize): void {
  for (let end = at + bytes; at < end; at += 16) v128.store(at, i32x4.splat(0));
}

/**
 * 2^y for y <= 127, relative error below 8e-5; y below -110 counts as -110: nothing beside a softmax's largest term, and
 * still a normal number after a product with a scale. Each operation on a subnormal costs a hundred others.
 */
// @ts-ignore: decorator
@inline
export function exp2Fast(y: v128): v128 {
  const c: usize = constants;
  const magic = v128.load(c, 0);
  const clamped = f32x4.pmax(y, v128.load(c, 208));
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
  const shifted = f32x4.add(clamped, magic);
  const f = f32x4.sub(clamped, f32x4.sub(shifted, magic));
  let p = f32x4.add(f32x4.mul(v128.load(c, 80), f), v128.load(c, 64));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 48));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 32));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** Numbers in [0, 255] to the nearest integers, in the low byte of each lane: adding 2^23 leaves them there. */
// @ts-ignore: decorator
@inline
export function toBytes(x: v128): v128 {
  return v128.and(f32x4.add(x, v128.load(constants, 224)), v128.load(constants, 240));
}

/** 2^y for |y| <= 126 (beyond that it saturates), relative error below 2e-7. */
// @ts-ignore: decorator
@inline
export function exp2Exact(y: v128): v128 {
  const c: usize = constants;
  const magic = v128.load(c, 0);
  const low = v128.load(c, 16);
  const clamped = f32x4.pmin(f32x4.pmax(y, low), f32x4.neg(low));
  const shifted = f32x4.add(clamped, magic);
  const f = f32x4.sub(clamped, f32x4.sub(shifted, magic));
  let p = f32x4.add(f32x4.mul(v128.load(c, 192), f), v128.load(c, 176));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 160));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 144));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 128));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 112));
  p = f32x4.add(f32x4.mul(p, f), v128.load(c, 96));
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

/** Largest of four lanes. By shuffles: an f32.max is many instructions, for the sake of NaN and -0. */
// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  const two = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(two, v128.shuffle<i32>(two, two, 1, 0, 3, 2)), 0);
}

/** [a0+a1+a2+a3, b0+..., c0+..., d0+...] of four int32 vectors. */
// @ts-ignore: decorator
@inline
export function sumEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3));
}
