// Causal attention of one layer on the integer pages of cache.ts.
//
// For each row: scores = q . k (integers; q has 8 bits), softmax in float, then the mix of the values with the
// probabilities as 7-bit integers. Each 32 positions have a scale of their own for those, so that one likely position
// far away does not wash out the others. All sums run over absolute positions in one order.

import { PAGE, headWidth, keysOf, laneOf, pageOf, scalesOf, valuesOf } from "./cache";
import { addDot, addDotBy } from "./dot";
import {
  heads,
  queries,
  queryStates,
  rowPositions,
  scores,
  tableEntries,
  width,
} from "./state";
import { LEAST, ONES, clear, exp2Fast, maxLanes, sumLanes, toBytes } from "./vector";

/** Positions that share a scale of their probabilities. */
const BLOCK: u32 = 32;
const LOG2_E: f32 = 1.4426950408889634;
const MASKED: f32 = -3.0e38;

/** Bytes of a row's entry in `queryStates`, and what lies where in it. */
const ENTRY: usize = 48;
const SCALE: usize = 0; // of the query, times 1 / sqrt(h), in log2 units
const CORRECTION: usize = 4; // int32, for the keys' offset of 64
const LARGEST: usize = 16; // f32x4: largest scores so far, by lane
const SUM: usize = 32; // f32x4: sums of the exponentials

/** Of a block's weights, after the bytes. */
const WEIGHTS_SCALE: usize = 32;

/**
 * Slots of `queries`, `queryStates` and `scores`: a slot is one row's of one head. src/model/engines/kernel/layout.ts has the
 * same number as ROWS.
 */
const SLOTS: u32 = 32;

/** qkv f32 [rows, 3d] -> out f32 [rows, d]; each row sees the positions up to its own. */
export function attention<Way>(layer: u32, qkv: usize, out: usize, rows: u32): void {
  // As many heads at once as there are slots for: they lie together in a page, and are read as one run.
  const together = headsAtOnce(rows);
  for (let from: u32 = 0; from < heads; from += together) {
    const to = min<u32>(heads, from + together);
    begin(from, to, qkv, out, rows);
    // Each goes through all pages, so that what waits for a row's last result has other rows' and pages' work to do meanwhile.
    scoreHeads<Way>(layer, from, to, rows);
    weighHeads(layer, from, to, rows);
    mixHeads<Way>(layer, from, to, out, rows);
  }
}

/** Heads that go through the pages together; the slot of head `from` + n and row r is n * rows + r. */
export function headsAtOnce(rows: u32): u32 {
  return max<u32>(1, SLOTS / rows);
}

/** The queries of heads `from` to `to`, and clean outputs. */
export function begin(from: u32, to: u32, qkv: usize, out: usize, rows: u32): void {
  const h = headWidth();
  let slot: u32 = 0;
  for (let head = from; head < to; head++) {
    for (let r: u32 = 0; r < rows; r++) {
      prepareQuery(qkv + <usize>((r * 3 * width + head * h) * 4), h, slot++);
      clear(out + <usize>((r * width + head * h) * 4), <usize>(h * 4));
    }
  }
}

/** Scores of all pages. Rows inside of pages: those that share a page find it in the first-level cache. */
export function scoreHeads<Way>(layer: u32, from: u32, to: u32, rows: u32): void {
  const h = headWidth();
  const last = lastPosition(rows);
  for (let page: u32 = 0; page * PAGE <= last; page++) {
    for (let r: u32 = 0; r < rows; r++) {
      const visible = visibleIn(page, r);
      if (!visible) continue;
      const half = keysOf(r, page, layer);
      const shared = sharedByFour(page, r, rows);
      let slot = r;
      for (let head = from; head < to; head++) {
        const keys = laneOf(half, head);
        const scales = scalesOf(half, head);
        if (shared) scoreFour<Way>(keys, scales, h, slot, page);
        else scorePage<Way>(keys, scales, h, slot, scoresOf(slot, page), visible);
        slot += rows;
      }
      if (shared) r += 3;
    }
  }
  for (let slot: u32 = 0; slot < (to - from) * rows; slot++) {
    const largest = queryStates + slot * ENTRY + LARGEST;
    v128.store(largest, f32x4.splat(maxLanes(v128.load(largest))));
  }
}

/** Scores to weights: the softmax but for its sum, which `mixHeads` divides by. */
export function weighHeads(layer: u32, from: u32, to: u32, rows: u32): void {
  const last = lastPosition(rows);
  for (let page: u32 = 0; page * PAGE <= last; page++) {
    for (let r: u32 = 0; r < rows; r++) {
      const visible = visibleIn(page, r);
      if (!visible) continue;
      const half = valuesOf(r, page, layer);
      let slot = r;
      for (let head = from; head < to; head++) {
        weighPage(scalesOf(half, head), slot, scoresOf(slot, page), visible);
        slot += rows;
      }
    }
  }
}

/** The values of all pages, times their weights, to the outputs. */
export function mixHeads<Way>(layer: u32, from: u32, to: u32, out: usize, rows: u32): void {
  const h = headWidth();
  const last = lastPosition(rows);
  for (let page: u32 = 0; page * PAGE <= last; page++) {
    for (let r: u32 = 0; r < rows; r++) {
      const visible = visibleIn(page, r);
      if (!visible) continue;
      const half = valuesOf(r, page, layer);
      const shared = sharedByFour(page, r, rows);
      let row = out + <usize>((r * width + from * h) * 4);
      let slot = r;
      for (let head = from; head < to; head++) {
        const values = laneOf(half, head);
        if (shared) mixFour<Way>(values, h, slot, page, row);
        else mixPage<Way>(values, h, scoresOf(slot, page), visible, row);
        row += <usize>(h * 4);
        slot += rows;
      }
      if (shared) r += 3;
    }
  }
  let slot: u32 = 0;
  for (let head = from; head < to; head++) {
    for (let r: u32 = 0; r < rows; r++) {
      const row = out + <usize>((r * width + head * h) * 4);
      const factor = f32x4.splat(<f32>1.0 / sumLanes(v128.load(queryStates + slot * ENTRY + SUM)));
      for (let i: usize = 0; i < <usize>(h * 4); i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), factor));
      slot++;
    }
  }
}

function lastPosition(rows: u32): u32 {
  let last: u32 = 0;
  for (let r: u32 = 0; r < rows; r++) last = max<u32>(last, positionOf(r));
  return last;
}

// @ts-ignore: decorator
@inline
function scoresOf(slot: u32, page: u32): usize {
  return scores + <usize>((slot * tableEntries + page) * PAGE * 4);
}

// @ts-ignore: decorator
@inline
function positionOf(row: u32): u32 {
  return load<u32>(rowPositions + <usize>(row * 4));
}

/** How many positions of a page, its first ones, a row sees. */
// @ts-ignore: decorator
@inline
function visibleIn(page: u32, row: u32): u32 {
  const positions = positionOf(row) + 1;
  return page * PAGE < positions ? min<u32>(PAGE, positions - page * PAGE) : 0;
}

/** Whether this row and the three after it see the same whole page: rows of a prefix, or samples on a shared one. */
// @ts-ignore: decorator
@inline
function sharedByFour(page: u32, row: u32, rows: u32): bool {
  if (row + 4 > rows) return false;
  const first = pageOf(row, page);
  for (let r = row; r < row + 4; r++) {
    if (pageOf(r, page) != first || visibleIn(page, r) < PAGE) return false;
  }
  return true;
}

/** q f32 [h] -> `queries` [h/4] vectors of four int8, each four repeated four times; a new entry in `queryStates`. */
function prepareQuery(q: usize, h: u32, slot: u32): void {
  let most = f32x4.splat(0);
  for (let i: usize = 0; i < <usize>(h * 4); i += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(q + i)));
  const scale: f32 = maxLanes(most) / <f32>127.0;
  const inverse = f32x4.splat(scale > 0 ? <f32>1.0 / scale : 0);
  const to = queries + <usize>(slot * h * 4);
  let sum: i32 = 0;
  for (let i: u32 = 0; i < h; i += 4) {
    const n = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(q + <usize>(i * 4)), inverse)));
    sum += i32x4.extract_lane(n, 0) + i32x4.extract_lane(n, 1) + i32x4.extract_lane(n, 2) + i32x4.extract_lane(n, 3);
    const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(n, n), i16x8.narrow_i32x4_s(n, n));
    v128.store(to + <usize>(i * 4), bytes);
  }
  const entry = queryStates + slot * ENTRY;
  store<f32>(entry + SCALE, scale * (LOG2_E / sqrt<f32>(<f32>h)));
  store<i32>(entry + CORRECTION, -64 * sum);
  v128.store(entry + LARGEST, f32x4.splat(MASKED));
  v128.store(entry + SUM, f32x4.splat(0));
}

/** Scores of a row against the first `visible` positions of a page, in units of the query's scale. */
function scorePage<Way>(keys: usize, keyScales: usize, h: u32, slot: u32, to: usize, visible: u32): void {
  const q = queries + <usize>(slot * h * 4);
  const entry = queryStates + slot * ENTRY;
  const correction = v128.load32_splat(entry + CORRECTION);
  for (let t: u32 = 0; t < visible; t += 16) {
    let a = correction;
    let b = correction;
    let c = correction;
    let d = correction;
    let k = keys + <usize>(t * h);
    for (let i: u32 = 0; i < h; i += 16) {
      const q0 = v128.load(q + <usize>(i * 4), 0);
      const q1 = v128.load(q + <usize>(i * 4), 16);
      const q2 = v128.load(q + <usize>(i * 4), 32);
      const q3 = v128.load(q + <usize>(i * 4), 48);
      a = addDot<Way>(addDot<Way>(a, q0, v128.load(k, 0)), q1, v128.load(k, 16));
      b = addDot<Way>(addDot<Way>(b, q0, v128.load(k, 64)), q1, v128.load(k, 80));
      c = addDot<Way>(addDot<Way>(c, q0, v128.load(k, 128)), q1, v128.load(k, 144));
      d = addDot<Way>(addDot<Way>(d, q0, v128.load(k, 192)), q1, v128.load(k, 208));
      a = addDot<Way>(addDot<Way>(a, q2, v128.load(k, 32)), q3, v128.load(k, 48));
      b = addDot<Way>(addDot<Way>(b, q2, v128.load(k, 96)), q3, v128.load(k, 112));
      c = addDot<Way>(addDot<Way>(c, q2, v128.load(k, 160)), q3, v128.load(k, 176));
      d = addDot<Way>(addDot<Way>(d, q2, v128.load(k, 224)), q3, v128.load(k, 240));
      k += 256;
    }
    const s = keyScales + <usize>(t * 4);
    const out = to + <usize>(t * 4);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(a), v128.load(s, 0)), 0);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(b), v128.load(s, 16)), 16);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(c), v128.load(s, 32)), 32);
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(d), v128.load(s, 48)), 48);
  }
  for (let t = visible; t % BLOCK != 0; t++) store<f32>(to + <usize>(t * 4), MASKED);
  // Up to whole blocks: what is beyond the visible ones in them is masked.
  let a = v128.load(entry + LARGEST);
  let b = a;
  for (let t: u32 = 0; t < visible; t += 16) {
    const from = to + <usize>(t * 4);
    a = f32x4.pmax(a, f32x4.pmax(v128.load(from, 0), v128.load(from, 16)));
    b = f32x4.pmax(b, f32x4.pmax(v128.load(from, 32), v128.load(from, 48)));
  }
  v128.store(entry + LARGEST, f32x4.pmax(a, b));
}

/** `scorePage` of a whole page for four rows, which share each load of its keys: the same numbers. */
function scoreFour<Way>(keys: usize, keyScales: usize, h: u32, slot: u32, page: u32): void {
  const ones = v128.load(ONES);
  const bytes = <usize>(h * 4);
  const q = queries + slot * bytes;
  const entry = queryStates + slot * ENTRY;
  const to = scoresOf(slot, page);
  const stride = <usize>(tableEntries * PAGE * 4);
  for (let t: usize = 0; t < <usize>PAGE; t += 8) {
    let a0 = v128.load32_splat(entry, CORRECTION), a1 = a0;
    let b0 = v128.load32_splat(entry, ENTRY + CORRECTION), b1 = b0;
    let c0 = v128.load32_splat(entry, 2 * ENTRY + CORRECTION), c1 = c0;
    let d0 = v128.load32_splat(entry, 3 * ENTRY + CORRECTION), d1 = d0;
    let k = keys + (t / 16) * 16 * <usize>h + (t % 16) * 16;
    for (let i: usize = 0; i < bytes; i += 64) {
      // Four vectors of keys lie together for each four positions.
      for (let j: usize = 0; j < 64; j += 16) {
        const u = v128.load(k + j, 0);
        const v = v128.load(k + j, 64);
        const p = q + i + j;
        let x = v128.load(p);
        a0 = addDotBy<Way>(a0, x, u, ones);
        a1 = addDotBy<Way>(a1, x, v, ones);
        x = v128.load(p + bytes);
        b0 = addDotBy<Way>(b0, x, u, ones);
        b1 = addDotBy<Way>(b1, x, v, ones);
        x = v128.load(p + 2 * bytes);
        c0 = addDotBy<Way>(c0, x, u, ones);
        c1 = addDotBy<Way>(c1, x, v, ones);
        x = v128.load(p + 3 * bytes);
        d0 = addDotBy<Way>(d0, x, u, ones);
        d1 = addDotBy<Way>(d1, x, v, ones);
      }
      k += 256;
    }
    const s0 = v128.load(keyScales, 0);
    const s1 = v128.load(keyScales, 16);
    keyScales += 32;
    const at = to + t * 4;
    keepScores(at, entry, f32x4.mul(f32x4.convert_i32x4_s(a0), s0), f32x4.mul(f32x4.convert_i32x4_s(a1), s1));
    keepScores(at + stride, entry + ENTRY, f32x4.mul(f32x4.convert_i32x4_s(b0), s0), f32x4.mul(f32x4.convert_i32x4_s(b1), s1));
    keepScores(at + 2 * stride, entry + 2 * ENTRY, f32x4.mul(f32x4.convert_i32x4_s(c0), s0), f32x4.mul(f32x4.convert_i32x4_s(c1), s1));
    keepScores(at + 3 * stride, entry + 3 * ENTRY, f32x4.mul(f32x4.convert_i32x4_s(d0), s0), f32x4.mul(f32x4.convert_i32x4_s(d1), s1));
  }
}

/** Eight scores of a row, and the largest so far. */
// @ts-ignore: decorator
@inline
function keepScores(at: usize, entry: usize, a: v128, b: v128): void {
  v128.store(at, a, 0);
  v128.store(at, b, 16);
  v128.store(entry, f32x4.pmax(v128.load(entry, LARGEST), f32x4.pmax(a, b)), LARGEST);
}

/**
 * A page's scores to weights, in their place. Step by step for all of its blocks: a block's own steps wait for each other.
 */
function weighPage(valueScales: usize, slot: u32, at: usize, visible: u32): void {
  const entry = queryStates + slot * ENTRY;
  const next = at + <usize>(BLOCK * 4);
  const firstCounts = counts(at, entry);
  const secondCounts = visible > BLOCK && counts(next, entry);
  let first = f32x4.splat(0);
  let second = first;
  if (firstCounts) first = exponentials(at, valueScales, entry);
  if (secondCounts) second = exponentials(next, valueScales + <usize>(BLOCK * 4), entry);
  if (firstCounts) toWeights(at, first);
  else store<f32>(at + WEIGHTS_SCALE, 0);
  if (secondCounts) toWeights(next, second);
  else store<f32>(next + WEIGHTS_SCALE, 0);
}

/** Whether any of a block's 32 exponentials is above 2^LEAST of the largest: otherwise it is left out, its values unread. */
// @ts-ignore: decorator
@inline
function counts(at: usize, entry: usize): bool {
  const low = f32x4.pmax(
    f32x4.pmax(v128.load(at, 0), v128.load(at, 16)),
    f32x4.pmax(v128.load(at, 32), v128.load(at, 48)),
  );
  const high = f32x4.pmax(
    f32x4.pmax(v128.load(at, 64), v128.load(at, 80)),
    f32x4.pmax(v128.load(at, 96), v128.load(at, 112)),
  );
  const behind = f32x4.sub(f32x4.pmax(low, high), v128.load(entry, LARGEST));
  return v128.any_true(f32x4.ge(f32x4.mul(behind, v128.load32_splat(entry, SCALE)), v128.load(LEAST)));
}

/** Adds a page's values, times their weights, to out f32 [h]. */
function mixPage<Way>(values: usize, h: u32, weights: usize, visible: u32, out: usize): void {
  const zero = i32x4.splat(0);
  for (let t: u32 = 0; t < visible; t += BLOCK) {
    const bytes = weights + <usize>(t * 4);
    const scale = load<f32>(bytes + WEIGHTS_SCALE);
    if (scale == 0) continue;
    const factor = f32x4.splat(scale);
    for (let i: u32 = 0; i < h; i += 16) {
      let v = values + <usize>(t * h + i * BLOCK);
      let a = zero;
      let b = zero;
      let c = zero;
      let d = zero;
      for (let g: usize = 0; g < <usize>BLOCK; g += 8) {
        const p = v128.load32_splat(bytes + g, 0);
        const s = v128.load32_splat(bytes + g, 4);
        a = addDot<Way>(addDot<Way>(a, v128.load(v, 0), p), v128.load(v, 64), s);
        b = addDot<Way>(addDot<Way>(b, v128.load(v, 16), p), v128.load(v, 80), s);
        c = addDot<Way>(addDot<Way>(c, v128.load(v, 32), p), v128.load(v, 96), s);
        d = addDot<Way>(addDot<Way>(d, v128.load(v, 48), p), v128.load(v, 112), s);
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

/** `mixPage` of a whole page for four rows, which share each load of its values: the same numbers. */
function mixFour<Way>(values: usize, h: u32, slot: u32, page: u32, out: usize): void {
  const ones = v128.load(ONES);
  const none = i32x4.splat(0);
  const rowBytes = <usize>(width * 4);
  const stride = <usize>(tableEntries * PAGE * 4);
  for (let t: usize = 0; t < <usize>PAGE; t += <usize>BLOCK) {
    const a = scoresOf(slot, page) + t * 4;
    const b = a + stride;
    const c = b + stride;
    const d = c + stride;
    // None is negative.
    const any = load<f32>(a, WEIGHTS_SCALE) + load<f32>(b, WEIGHTS_SCALE) + load<f32>(c, WEIGHTS_SCALE) + load<f32>(d, WEIGHTS_SCALE);
    if (any == 0) continue;
    // Eight dimensions at a time: half of what lies together for each four positions.
    for (let i: usize = 0; i < <usize>h; i += 8) {
      let v = values + t * <usize>h + (i / 16) * 512 + (i % 16) * 4;
      let a0 = none, a1 = none;
      let b0 = none, b1 = none;
      let c0 = none, c1 = none;
      let d0 = none, d1 = none;
      for (let g: usize = 0; g < <usize>BLOCK; g += 4) {
        const u = v128.load(v, 0);
        const w = v128.load(v, 16);
        let p = v128.load32_splat(a + g);
        a0 = addDotBy<Way>(a0, u, p, ones);
        a1 = addDotBy<Way>(a1, w, p, ones);
        p = v128.load32_splat(b + g);
        b0 = addDotBy<Way>(b0, u, p, ones);
        b1 = addDotBy<Way>(b1, w, p, ones);
        p = v128.load32_splat(c + g);
        c0 = addDotBy<Way>(c0, u, p, ones);
        c1 = addDotBy<Way>(c1, w, p, ones);
        p = v128.load32_splat(d + g);
        d0 = addDotBy<Way>(d0, u, p, ones);
        d1 = addDotBy<Way>(d1, w, p, ones);
        v += 64;
      }
      const to = out + i * 4;
      addMix(to, load<f32>(a, WEIGHTS_SCALE), a0, a1);
      addMix(to + rowBytes, load<f32>(b, WEIGHTS_SCALE), b0, b1);
      addMix(to + 2 * rowBytes, load<f32>(c, WEIGHTS_SCALE), c0, c1);
      addMix(to + 3 * rowBytes, load<f32>(d, WEIGHTS_SCALE), d0, d1);
    }
  }
}

/** Adds eight sums times their weights' scale to a row's output; scale 0 says that the weights were not made. */
// @ts-ignore: decorator
@inline
function addMix(to: usize, scale: f32, a: v128, b: v128): void {
  if (scale == 0) return;
  const factor = f32x4.splat(scale);
  v128.store(to, f32x4.add(v128.load(to, 0), f32x4.mul(f32x4.convert_i32x4_s(a), factor)), 0);
  v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(f32x4.convert_i32x4_s(b), factor)), 16);
}

/** exp(score - largest), for four positions. */
// @ts-ignore: decorator
@inline
function exponential(score: v128, largest: v128, scale: v128): v128 {
  return exp2Fast(f32x4.mul(f32x4.sub(score, largest), scale));
}

/**
 * 32 scores -> their exponentials (added to the row's sum), times the scales of their values, in place.
 * @returns the largest of each lane
 */
// @ts-ignore: decorator
@inline
function exponentials(at: usize, valueScales: usize, entry: usize): v128 {
  const largest = v128.load(entry + LARGEST);
  const factor = v128.load32_splat(entry + SCALE);
  let a = exponential(v128.load(at, 0), largest, factor);
  let b = exponential(v128.load(at, 16), largest, factor);
  let c = exponential(v128.load(at, 32), largest, factor);
  let d = exponential(v128.load(at, 48), largest, factor);
  const low = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  a = f32x4.mul(a, v128.load(valueScales, 0));
  b = f32x4.mul(b, v128.load(valueScales, 16));
  c = f32x4.mul(c, v128.load(valueScales, 32));
  d = f32x4.mul(d, v128.load(valueScales, 48));
  v128.store(at, a, 0);
  v128.store(at, b, 16);
  v128.store(at, c, 32);
  v128.store(at, d, 48);
  const most = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
  a = exponential(v128.load(at, 64), largest, factor);
  b = exponential(v128.load(at, 80), largest, factor);
  c = exponential(v128.load(at, 96), largest, factor);
  d = exponential(v128.load(at, 112), largest, factor);
  const high = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  v128.store(entry + SUM, f32x4.add(v128.load(entry + SUM), f32x4.add(low, high)));
  a = f32x4.mul(a, v128.load(valueScales, 64));
  b = f32x4.mul(b, v128.load(valueScales, 80));
  c = f32x4.mul(c, v128.load(valueScales, 96));
  d = f32x4.mul(d, v128.load(valueScales, 112));
  v128.store(at, a, 64);
  v128.store(at, b, 80);
  v128.store(at, c, 96);
  v128.store(at, d, 112);
  return f32x4.pmax(most, f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
}

/** 32 numbers, `most` the largest of each lane -> bytes in [0, 127] in their place, behind them their common scale or 0. */
// @ts-ignore: decorator
@inline
function toWeights(at: usize, most: v128): void {
  const scale = maxLanes(most) / <f32>127.0;
  if (scale < <f32>1e-30) {
    store<f32>(at + WEIGHTS_SCALE, 0);
    return;
  }
  const inverse = f32x4.splat(<f32>1.0 / scale);
  const a = sixteen(at, inverse);
  const b = sixteen(at + 64, inverse);
  v128.store(at, a, 0);
  v128.store(at, b, 16);
  store<f32>(at + WEIGHTS_SCALE, scale);
}

/** 16 numbers times `inverse`, as bytes. */
// @ts-ignore: decorator
@inline
function sixteen(at: usize, inverse: v128): v128 {
  const a = toBytes(f32x4.mul(v128.load(at, 0), inverse));
  const b = toBytes(f32x4.mul(v128.load(at, 16), inverse));
  const c = toBytes(f32x4.mul(v128.load(at, 32), inverse));
  const d = toBytes(f32x4.mul(v128.load(at, 48), inverse));
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}
