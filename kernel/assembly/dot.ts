// Integer dot products, the kernel's inner loops.
//
// The left operand is int8 in [-127, 127], the right one has 7 bits, [0, 127]: two products add up to at most
// 2 * 127 * 127 = 32258, so no int16 in between overflows, and `relaxed_dot_i8x16_i7x16_add_s` has one result on every
// CPU: what is left to the implementation is only the meaning of an eighth bit and of such an overflow. It is one
// instruction where there is AVX-VNNI or Arm's dot product, a handful elsewhere. Without relaxed SIMD the same integers
// are made from the fixed instructions: the same bits, more slowly.

/** sum + the products of each four neighbours: lane i takes bytes 4i .. 4i+3. */
// @ts-ignore: decorator
@inline
export function addDot(sum: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_dot_add<i32>(a, b, sum);
  const low = i16x8.extmul_low_i8x16_s(a, b);
  const high = i16x8.extmul_high_i8x16_s(a, b);
  const even = v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
  const odd = v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(even, odd)));
}
