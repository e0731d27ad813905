// Integer dot products, the kernel's inner loops.
//
// The left operand is int8 in [-127, 127], the right one has 7 bits, [0, 127]: two products add up to at most
// 2 * 127 * 127 = 32258, so no int16 in between overflows, and the three ways below make the same integers on every CPU.
// Which is the fastest depends on the processor, so `forward` is compiled for each and `setup` chooses once:
//
//   Fused  `i32x4.relaxed_dot_i8x16_i7x16_add_s`: one instruction with AVX-VNNI or Arm's dot product. Elsewhere V8 makes five,
//          two of which build a vector of ones for each dot.
//   Split  `i16x8.relaxed_dot_i8x16_i7x16_s`, then `i32x4.dot_i16x8_s` with ones that lie in memory: three instructions on any x86.
//   (neither relaxed SIMD) fixed instructions only, more slowly.

import { ONES } from "./vector";

/** Type arguments that stand for a way; only their sizes differ. */
export type Fused = u32;
export type Split = u8;

/** Whether a way is `Split`; in a build without relaxed SIMD none is. */
// @ts-ignore: decorator
@inline
export function isSplit<Way>(): bool {
  return ASC_FEATURE_RELAXED_SIMD && sizeof<Way>() == sizeof<Split>();
}

/** Whether `Fused` is one instruction here; set by `chooseDot`. */
export let fused: bool = true;

/**
 * Asks the processor by its rounding. The specification leaves open what a right operand above 127 means: in one instruction
 * four products of 127 * 255 add up exactly (or count 255 as -1), by way of int16 each two of them end at 32767.
 */
export function chooseDot(): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const sum = v128.relaxed_dot_add<i32>(i8x16.splat(127), i8x16.splat(-1), i32x4.splat(0));
  fused = i32x4.extract_lane(sum, 0) != 2 * 32767;
}

/** sum + the products of each four neighbours: lane i takes bytes 4i .. 4i+3. */
// @ts-ignore: decorator
@inline
export function addDot<Way>(sum: v128, a: v128, b: v128): v128 {
  return addDotBy<Way>(sum, a, b, v128.load(ONES));
}

/** `addDot` where a register is left for the ones. */
// @ts-ignore: decorator
@inline
export function addDotBy<Way>(sum: v128, a: v128, b: v128, ones: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (sizeof<Way>() == sizeof<Fused>()) return v128.relaxed_dot_add<i32>(a, b, sum);
    return i32x4.add(sum, i32x4.dot_i16x8_s(v128.relaxed_dot<i16>(a, b), ones));
  }
  const low = i16x8.extmul_low_i8x16_s(a, b);
  const high = i16x8.extmul_high_i8x16_s(a, b);
  const even = v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
  const odd = v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(even, odd)));
}
