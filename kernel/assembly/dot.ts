// Integer dot products, the kernel's inner loops.
//
// The left operand is int8 in [-127, 127], the right one has 7 bits, [0, 127]: two products add up to at most
// 2 * 127 * 127 = 32258, so the int16 sums of `relaxed_dot_i8x16_i7x16_s` never saturate and the operation has one
// result on every CPU (what is left to the implementation is only the meaning of an eighth bit and of an overflow).
// Without relaxed SIMD the same int16 sums are made from the fixed instructions: the same bits, more slowly.

/** int16 sums of neighbouring products: lane i = a[2i] b[2i] + a[2i+1] b[2i+1]. */
// @ts-ignore: decorator
@inline
export function dotPairs(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_dot<i16>(a, b);
  const low = i16x8.extmul_low_i8x16_s(a, b);
  const high = i16x8.extmul_high_i8x16_s(a, b);
  return i16x8.add(
    v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14),
    v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15),
  );
}

/** sum + the products of each four neighbours: lane i takes bytes 4i .. 4i+3. `ones` is int16 ones. */
// @ts-ignore: decorator
@inline
export function addDot(sum: v128, a: v128, b: v128, ones: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(dotPairs(a, b), ones));
}

/**
 * sum + both dots. For operands whose four products that meet in one int16 lane (bytes 2i, 2i+1 of both) stay below
 * 2^15: one widening for two dots.
 */
// @ts-ignore: decorator
@inline
export function addTwoDots(sum: v128, a: v128, b: v128, c: v128, d: v128, ones: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.add(dotPairs(a, b), dotPairs(c, d)), ones));
}
