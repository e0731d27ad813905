// Causal attention of one layer, head by head, on the integer pages of cache.ts.
//
// For each row: scores = q . k (integers; q has 8 bits), softmax in float, then the mix of the values with the
// probabilities as 7-bit integers. Each 32 positions have a scale of their own for those, so that one likely position
// far away does not wash out the others. All sums run over absolute positions in one order.
//
// Two dots share a widening to int32 (addTwoDots): the four products that meet in an int16 lane are at most
// 127 * (sum of the four left or right operands), so the scales below are chosen such that this sum is at most 258.

import { PAGE, blockOf, headWidth, laneBytes } from "./cache";
import { addTwoDots } from "./dot";
import {
  heads,
  mixing,
  queries,
  queryScales,
  rowPositions,
  scores,
  tableEntries,
  width,
} from "./state";
import { exp2Fast, maxLanes, ones, sumLanes } from "./vector";

/** Positions that share a scale of their probabilities. */
const BLOCK: u32 = 32;
/** 258 less what rounding four numbers can add. */
const FOUR_MOST: f32 = 256;
const LOG2_E: f32 = 1.4426950408889634;
const MASKED: f32 = -3.0e38;

/** qkv f32 [rows, 3d] -> out f32 [rows, d]; each row sees the positions up to its own. */
export function attention(layer: u32, qkv: usize, out: usize, rows: u32): void {
  const h = headWidth();
  let last: u32 = 0;
  for (let r: u32 = 0; r < rows; r++) last = max<u32>(last, positionOf(r));
  for (let head: u32 = 0; head < heads; head++) {
    for (let r: u32 = 0; r < rows; r++) prepareQuery(qkv + <usize>((r * 3 * width + head * h) * 4), h, r);
    // Pages outside, rows inside: rows that share a page find it in the first-level cache.
    for (let page: u32 = 0; page * PAGE <= last; page++) {
      for (let r: u32 = 0; r < rows; r++) {
        if (page * PAGE <= positionOf(r)) scorePage(blockOf(r, page, layer, head), page, h, r);
      }
    }
    for (let r: u32 = 0; r < rows; r++) {
      softmax(r);
      memory.fill(out + <usize>((r * width + head * h) * 4), 0, <usize>(h * 4));
    }
    for (let page: u32 = 0; page * PAGE <= last; page++) {
      for (let r: u32 = 0; r < rows; r++) {
        if (page * PAGE > positionOf(r)) continue;
        mixPage(blockOf(r, page, layer, head), page, h, r, out + <usize>((r * width + head * h) * 4));
      }
    }
    for (let r: u32 = 0; r < rows; r++) {
      const to = out + <usize>((r * width + head * h) * 4);
      const factor = v128.load32_splat(queryScales + <usize>(r * 16 + 8));
      for (let i: usize = 0; i < <usize>(h * 4); i += 16) v128.store(to + i, f32x4.mul(v128.load(to + i), factor));
    }
  }
}

// @ts-ignore: decorator
@inline
function positionOf(row: u32): u32 {
  return load<u32>(rowPositions + <usize>(row * 4));
}

/** Largest sum of lanes {0, 1} or {2, 3}, each with the lane's partner in the other vector. */
// @ts-ignore: decorator
@inline
function pairSums(a: v128, b: v128): v128 {
  const sum = f32x4.add(a, b);
  return f32x4.add(sum, v128.shuffle<i32>(sum, sum, 1, 0, 3, 2));
}

/**
 * q f32 [h] -> `queries` [h/4] vectors of four int8, each four repeated four times; `queryScales` [scale to log2 units,
 * int32 correction for the keys' offset of 64, (1 / sum of the softmax)].
 */
function prepareQuery(q: usize, h: u32, row: u32): void {
  let most = f32x4.splat(0);
  let four = most;
  for (let i: usize = 0; i < <usize>(h * 4); i += 32) {
    const a = f32x4.abs(v128.load(q + i, 0));
    const b = f32x4.abs(v128.load(q + i, 16));
    most = f32x4.pmax(most, f32x4.pmax(a, b));
    four = f32x4.pmax(four, pairSums(a, b));
  }
  const scale: f32 = max<f32>(maxLanes(most) / <f32>127.0, maxLanes(four) / FOUR_MOST);
  const inverse = f32x4.splat(scale > 0 ? <f32>1.0 / scale : 0);
  const to = queries + <usize>(row * h * 4);
  let sum: i32 = 0;
  for (let i: u32 = 0; i < h; i += 4) {
    const n = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(q + <usize>(i * 4)), inverse)));
    sum += i32x4.extract_lane(n, 0) + i32x4.extract_lane(n, 1) + i32x4.extract_lane(n, 2) + i32x4.extract_lane(n, 3);
    const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(n, n), i16x8.narrow_i32x4_s(n, n));
    v128.store(to + <usize>(i * 4), bytes);
  }
  store<f32>(queryScales + <usize>(row * 16), scale * (LOG2_E / sqrt<f32>(<f32>h)), 0);
  store<i32>(queryScales + <usize>(row * 16), -64 * sum, 4);
}

/** Scores of a row against one page, in units of the query's scale. */
function scorePage(block: usize, page: u32, h: u32, row: u32): void {
  const q = queries + <usize>(row * h * 4);
  const keyScales = block + <usize>(2 * laneBytes());
  const to = scores + <usize>((row * tableEntries * PAGE + page * PAGE) * 4);
  const sixteens = min<u32>(PAGE, positionOf(row) - page * PAGE + 1);
  const one = ones();
  const correction = v128.load32_splat(queryScales + <usize>(row * 16), 4);
  for (let t: u32 = 0; t < sixteens; t += 16) {
    let a = correction;
    let b = correction;
    let c = correction;
    let d = correction;
    let k = block + <usize>(t * 16);
    for (let i: u32 = 0; i < h; i += 16) {
      const q0 = v128.load(q + <usize>(i * 4), 0);
      const q1 = v128.load(q + <usize>(i * 4), 16);
      const q2 = v128.load(q + <usize>(i * 4), 32);
      const q3 = v128.load(q + <usize>(i * 4), 48);
      a = addTwoDots(a, q0, v128.load(k, 0), q1, v128.load(k, 16), one);
      b = addTwoDots(b, q0, v128.load(k, 64), q1, v128.load(k, 80), one);
      c = addTwoDots(c, q0, v128.load(k, 128), q1, v128.load(k, 144), one);
      d = addTwoDots(d, q0, v128.load(k, 192), q1, v128.load(k, 208), one);
      a = addTwoDots(a, q2, v128.load(k, 32), q3, v128.load(k, 48), one);
      b = addTwoDots(b, q2, v128.load(k, 96), q3, v128.load(k, 112), one);
      c = addTwoDots(c, q2, v128.load(k, 160), q3, v128.load(k, 176), one);
      d = addTwoDots(d, q2, v128.load(k, 224), q3, v128.load(k, 240), one);
      k += <usize>(PAGE * 16);
    }
    const s = keyScales + <usize>(t * 4);
    const out = to + <usize>(t * 4);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(a), v128.load(s, 0)), 0);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(b), v128.load(s, 16)), 16);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(c), v128.load(s, 32)), 32);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(d), v128.load(s, 48)), 48);
  }
}

/** Scores of a row -> exp(score - largest) and its sum's inverse.  */
function softmax(row: u32): void {
  const from = scores + <usize>(row * tableEntries * PAGE * 4);
  const count = positionOf(row) + 1;
  const padded = (count + BLOCK - 1) / BLOCK * BLOCK;
  for (let t = count; t < padded; t++) store<f32>(from + <usize>(t * 4), MASKED);
  let most = v128.load(from);
  for (let t: u32 = 4; t < padded; t += 4) most = f32x4.pmax(most, v128.load(from + <usize>(t * 4)));
  const largest = f32x4.splat(maxLanes(most));
  const scale = v128.load32_splat(queryScales + <usize>(row * 16), 0);
  let sum = f32x4.splat(0);
  for (let t: u32 = 0; t < padded; t += 4) {
    const e = exp2Fast(f32x4.mul(f32x4.sub(v128.load(from + <usize>(t * 4)), largest), scale));
    sum = f32x4.add(sum, e);
    v128.store(from + <usize>(t * 4), e);
  }
  store<f32>(queryScales + <usize>(row * 16), <f32>1.0 / sumLanes(sum), 8);
}

/** Adds a page's values, weighed by the row's probabilities, to out f32 [h]. */
function mixPage(block: usize, page: u32, h: u32, row: u32, out: usize): void {
  const values = block + <usize>laneBytes();
  const valueScales = block + <usize>(2 * laneBytes() + PAGE * 4);
  const weights = scores + <usize>((row * tableEntries * PAGE + page * PAGE) * 4);
  const visible = min<u32>(PAGE, positionOf(row) - page * PAGE + 1);
  const bytes = mixing;
  const one = ones();
  const zero = i32x4.splat(0);
  for (let t: u32 = 0; t < visible; t += BLOCK) {
    const scale = mixWeights(weights + <usize>(t * 4), valueScales + <usize>(t * 4), bytes);
    if (scale == 0) continue;
    const factor = f32x4.splat(scale);
    for (let i: u32 = 0; i < h; i += 16) {
      let v = values + <usize>(i * PAGE + t * 16);
      let a = zero;
      let b = zero;
      let c = zero;
      let d = zero;
      for (let g: usize = 0; g < <usize>BLOCK; g += 8) {
        const p = v128.load32_splat(bytes + g, 0);
        const s = v128.load32_splat(bytes + g, 4);
        a = addTwoDots(a, v128.load(v, 0), p, v128.load(v, 64), s, one);
        b = addTwoDots(b, v128.load(v, 16), p, v128.load(v, 80), s, one);
        c = addTwoDots(c, v128.load(v, 32), p, v128.load(v, 96), s, one);
        d = addTwoDots(d, v128.load(v, 48), p, v128.load(v, 112), s, one);
        v += 128;
      }
      const to = out + <usize>(i * 4);
      v128.store(to, f32x4.add(v128.load(to, 0), f32x4.mul(f32x4.convert_i32x4_s(a), factor)), 0);
      v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(f32x4.convert_i32x4_s(b), factor)), 16);
      v128.store(to, f32x4.add(v128.load(to, 32), f32x4.mul(f32x4.convert_i32x4_s(c), factor)), 32);
      v128.store(to, f32x4.add(v128.load(to, 48), f32x4.mul(f32x4.convert_i32x4_s(d), factor)), 48);
    }
  }
}

/** 32 weights times their values' scales -> bytes in [0, 127]. @returns their common scale, 0 if all are nothing. */
// @ts-ignore: decorator
@inline
function mixWeights(weights: usize, valueScales: usize, bytes: usize): f32 {
  let most = f32x4.splat(0);
  let four = most;
  for (let i: usize = 0; i < <usize>(BLOCK * 4); i += 32) {
    const a = f32x4.mul(v128.load(weights + i, 0), v128.load(valueScales + i, 0));
    const b = f32x4.mul(v128.load(weights + i, 16), v128.load(valueScales + i, 16));
    v128.store(weights + i, a, 0);
    v128.store(weights + i, b, 16);
    most = f32x4.pmax(most, f32x4.pmax(a, b));
    four = f32x4.pmax(four, pairSums(a, b));
  }
  const scale: f32 = max<f32>(maxLanes(most) / <f32>127.0, maxLanes(four) / FOUR_MOST);
  if (scale < <f32>1e-30) return 0;
  const inverse = f32x4.splat(<f32>1.0 / scale);
  const magic = f32x4.splat(8388608.0);
  const mask = i32x4.splat(0xff);
  for (let i: usize = 0; i < <usize>BLOCK; i += 16) {
    const w = weights + i * 4;
    const a = v128.and(f32x4.add(f32x4.mul(v128.load(w, 0), inverse), magic), mask);
    const b = v128.and(f32x4.add(f32x4.mul(v128.load(w, 16), inverse), magic), mask);
    const c = v128.and(f32x4.add(f32x4.mul(v128.load(w, 32), inverse), magic), mask);
    const d = v128.and(f32x4.add(f32x4.mul(v128.load(w, 48), inverse), magic), mask);
    v128.store(bytes + i, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
  }
  return scale;
}
