// Weights as `linear` reads them, made in place when they have come: int8 [out, in] becomes blocks of up to a tile's
// vectors of four outputs,
//
//   [block][in/4][tile][4 outputs][4 inputs]
//
// so that a block is read from its first byte to its last, and a dot's four lanes are four outputs. The last block has
// what vectors are left; of a palette that is no multiple of four, the last rows stay as they are.

import { fused } from "./dot";
import { quantised } from "./state";
import { sumEach } from "./vector";

/** Vectors of a whole block: as many as one pass multiplies with four rows. */
// @ts-ignore: decorator
@inline
export function tileOf(split: bool): u32 {
  return split ? 2 : 3;
}

/** Whole vectors of four outputs. */
// @ts-ignore: decorator
@inline
export function vectorsOf(outputs: u32): u32 {
  return outputs / 4;
}

/** sums[o] = sum over i of W[o, i], as f32 (exact: below 2^24 for up to 132,000 inputs); then packs W. */
export function pack(weight: usize, inputs: u32, outputs: u32, sums: usize): void {
  for (let o: u32 = 0; o < outputs; o++) {
    store<f32>(sums + <usize>(o * 4), <f32>sumOf(weight + <usize>o * inputs, inputs));
  }
  const vectors = vectorsOf(outputs);
  const tile = tileOf(!fused);
  for (let v: u32 = 0; v < vectors; v += tile) {
    packBlock(weight + <usize>(v * 4) * inputs, inputs, min<u32>(tile, vectors - v) * 4);
  }
}

function sumOf(row: usize, inputs: u32): i32 {
  let total = i32x4.splat(0);
  for (let i: usize = 0; i < inputs; i += 16) {
    total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(row + i))));
  }
  return i32x4.extract_lane(sumEach(total, total, total, total), 0);
}

/** [outputs, in] -> [in/4, outputs, 4]; works in `quantised`, which nothing uses yet. */
function packBlock(block: usize, inputs: u32, outputs: u32): void {
  memory.copy(quantised, block, <usize>inputs * outputs);
  let to = block;
  for (let i: usize = 0; i < inputs; i += 4) {
    for (let o: usize = 0; o < outputs; o++) {
      store<u32>(to, load<u32>(quantised + o * inputs + i));
      to += 4;
    }
  }
}
