// From logits to colours: negative log-likelihood under the model's own distribution, and the sampling rule.
//
// softmax(logits / temperature), restricted by top-k, then by top-p among what is left, renormalised; the smallest i in
// palette order with cumsum(p)_i > u. Ties count as if the lower index were likelier. exp and log are compiled in, so
// that every machine draws the same colours.

import { colors, order, wide } from "./state";
import { exp2Exact } from "./vector";

const LOG2_E: f32 = 1.4426950408889634;

/** -log softmax(logits)[color], in nats. */
export function negativeLogLikelihood(logits: usize, color: u32): f32 {
  const most = largest(logits);
  const sum = exponentials(logits, most, 1);
  return <f32>(naturalLog(sum) - <f64>(load<f32>(logits + <usize>(color * 4)) - most));
}

/** Draws a colour. temperature 0: the likeliest one. topK 0, topP 1: no restriction. */
export function draw(logits: usize, temperature: f32, topK: u32, topP: f32, uniform: f32): u32 {
  if (temperature == 0) return likeliest(logits);
  let total = exponentials(logits, largest(logits), <f32>1.0 / temperature);
  if ((topK > 0 && topK < colors) || topP < 1) total = restrict(logits, total, topK, topP);
  const goal = <f64>uniform * total;
  let sum: f64 = 0;
  let last: u32 = 0;
  for (let i: u32 = 0; i < colors; i++) {
    const p = load<f32>(wide + <usize>(i * 4));
    if (p > 0) {
      sum += <f64>p;
      last = i;
      if (sum > goal) return i;
    }
  }
  return last;
}

/** log(x) of a normal x > 0, error below 1e-11: exponent and atanh series. Math.log would bring 4 KB of tables. */
function naturalLog(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  const series =
    1 + z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * (1.0 / 13 + z / 15))))));
  return <f64>exponent * 0.6931471805599453 + 2 * s * series;
}

function largest(logits: usize): f32 {
  let most = load<f32>(logits);
  for (let i: u32 = 1; i < colors; i++) most = max<f32>(most, load<f32>(logits + <usize>(i * 4)));
  return most;
}

function likeliest(logits: usize): u32 {
  const most = largest(logits);
  for (let i: u32 = 0; i < colors; i++) if (load<f32>(logits + <usize>(i * 4)) == most) return i;
  return 0;
}

/** `wide`[i] = exp((logits[i] - most) * factor). @returns their sum, added in palette order. */
function exponentials(logits: usize, most: f32, factor: f32): f64 {
  const exponent = f32x4.splat(factor * LOG2_E);
  const offset = f32x4.splat(most);
  let sum: f64 = 0;
  for (let i: u32 = 0; i < colors; i += 4) {
    // A last, incomplete four is moved back: what it computes twice, it computes alike.
    const first = min<u32>(i, colors - 4);
    const at = <usize>(first * 4);
    const e = exp2Exact(f32x4.mul(f32x4.sub(v128.load(logits + at), offset), exponent));
    v128.store(wide + at, e);
    for (let j = i; j < first + 4; j++) sum += <f64>load<f32>(wide + <usize>(j * 4));
  }
  return sum;
}

/** Zeroes the weights in `wide` that top-k and top-p leave out. @returns what is left in all. */
function restrict(logits: usize, total: f64, topK: u32, topP: f32): f64 {
  // Sort keys: the logit's order-preserving bits above, the inverted index below; descending.
  for (let i: u32 = 0; i < colors; i++) {
    const bits = load<u32>(logits + <usize>(i * 4));
    const ordered = bits & 0x80000000 ? ~bits : bits | 0x80000000;
    store<u64>(order + <usize>(i * 8), ((<u64>ordered) << 32) | <u64>(0xffffffff - i));
  }
  sortDescending(order, colors);
  let kept = colors;
  let sum = total;
  if (topK > 0 && topK < colors) {
    kept = topK;
    sum = 0;
    for (let i: u32 = 0; i < kept; i++) sum += <f64>weightAt(i);
  }
  if (topP < 1) {
    const goal = <f64>topP * sum;
    let reached: f64 = 0;
    let count: u32 = 0;
    while (count < kept) {
      reached += <f64>weightAt(count++);
      if (reached >= goal) break;
    }
    kept = count;
  }
  for (let i = kept; i < colors; i++) store<f32>(wide + <usize>(colorAt(i) * 4), 0);
  let left: f64 = 0;
  for (let i: u32 = 0; i < colors; i++) left += <f64>load<f32>(wide + <usize>(i * 4));
  return left;
}

// @ts-ignore: decorator
@inline
function colorAt(rank: u32): u32 {
  return 0xffffffff - <u32>load<u64>(order + <usize>(rank * 8));
}

// @ts-ignore: decorator
@inline
function weightAt(rank: u32): f32 {
  return load<f32>(wide + <usize>(colorAt(rank) * 4));
}

/** Heap sort of u64 [count], the largest first. */
function sortDescending(keys: usize, count: u32): void {
  for (let i: i32 = <i32>(count / 2) - 1; i >= 0; i--) sift(keys, i, count);
  for (let end: u32 = count - 1; end > 0; end--) {
    const first = load<u64>(keys);
    store<u64>(keys, load<u64>(keys + <usize>(end * 8)));
    store<u64>(keys + <usize>(end * 8), first);
    sift(keys, 0, end);
  }
}

/** Restores the heap (smallest at the root) below `root`. */
function sift(keys: usize, root: u32, count: u32): void {
  const value = load<u64>(keys + <usize>(root * 8));
  let at = root;
  while (true) {
    let child = at * 2 + 1;
    if (child >= count) break;
    let least = load<u64>(keys + <usize>(child * 8));
    if (child + 1 < count) {
      const right = load<u64>(keys + <usize>((child + 1) * 8));
      if (right < least) {
        least = right;
        child++;
      }
    }
    if (least >= value) break;
    store<u64>(keys + <usize>(at * 8), least);
    at = child;
  }
  store<u64>(keys + <usize>(at * 8), value);
}
