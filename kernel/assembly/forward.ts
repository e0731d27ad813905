// The model, from tokens to logits, for a batch of rows. A row is one position of one sequence: samples at the same
// position when decoding, neighbours of one picture when a prefix is run.

import { attention } from "./attention";
import { remember } from "./cache";
import { linear } from "./linear";
import { norm, quickGelu } from "./norm";
import { pack } from "./pack";
import {
  biases,
  colors,
  features,
  inputs,
  layers,
  logits,
  normed,
  positions,
  rowPositions,
  rowSums,
  state,
  weights,
  wide,
  width,
} from "./state";

/** Token of the start vector. */
const START: i32 = -1;

/** Walks through `weights` and `rowSums` in the order of the file (weights.safetensors). */
let tensor: usize = 0;
let sums: usize = 0;

/** Every weight matrix as `linear` wants it, and the sums of its rows; once, after the weights have come. */
export function packWeights(): void {
  const d = width;
  tensor = weights + tableBytes();
  sums = rowSums;
  for (let layer: u32 = 0; layer < layers; layer++) {
    gain();
    packNext(d, 3 * d);
    packNext(d, d);
    gain();
    packNext(d, 4 * d);
    packNext(4 * d, d);
  }
  gain();
  pack(tensor, d, colors, sums);
}

function packNext(from: u32, to: u32): void {
  pack(take(<usize>from * to), from, to, sums);
  take(<usize>(to * 4));
  if (biases) take(<usize>(to * 4));
  sums += <usize>(to * 4);
}

/** Logits of all rows, of the whole model. */
export function forward<Way>(rows: u32): void {
  embed(rows);
  for (let layer: u32 = 0; layer < layers; layer++) block<Way>(layer, rows, false);
  norm(state, gain(), normed, rows, width);
  head<Way>(rows);
}

/**
 * Runs `depth` blocks of given rows. The normed states of the layers up to it are added to `features` f32 [layers + 1, d]. With
 * `score`, for which depth is all blocks, their logits too.
 */
export function read<Way>(rows: u32, depth: u32, score: bool): void {
  embed(rows);
  for (let layer: u32 = 0; layer < depth; layer++) block<Way>(layer, rows, true);
  // What follows is the next block's first tensor, or the final norm: the gain that belongs to this layer's states.
  norm(state, gain(), normed, rows, width);
  addFeatures(depth, rows);
  if (score) head<Way>(rows);
}

/** One transformer block; with `pool`, the normed states that it begins with are added to `features`. */
function block<Way>(layer: u32, rows: u32, pool: bool): void {
  const d = width;
  norm(state, gain(), normed, rows, d);
  if (pool) addFeatures(layer, rows);
  project<Way>(normed, wide, rows, d, 3 * d, false);
  remember(layer, wide, rows);
  attention<Way>(layer, wide, normed, rows);
  project<Way>(normed, state, rows, d, d, true);

  norm(state, gain(), normed, rows, d);
  project<Way>(normed, wide, rows, d, 4 * d, false);
  quickGelu(wide, rows * 4 * d);
  project<Way>(wide, state, rows, 4 * d, d, true);
}

/** `normed` to logits. */
function head<Way>(rows: u32): void {
  const weight = take(<usize>colors * width);
  linear<Way>(normed, logits, rows, width, colors, weight, tensor, 0, sums, false);
}

/** The matrix products of `forward` and nothing else, for the bench. */
export function multiply<Way>(rows: u32): void {
  const d = width;
  tensor = weights + tableBytes();
  sums = rowSums;
  for (let layer: u32 = 0; layer < layers; layer++) {
    gain();
    project<Way>(normed, wide, rows, d, 3 * d, false);
    project<Way>(normed, state, rows, d, d, true);
    gain();
    project<Way>(normed, wide, rows, d, 4 * d, false);
    project<Way>(wide, state, rows, 4 * d, d, true);
  }
  gain();
  head<Way>(rows);
}

// @ts-ignore: decorator
@inline
function take(bytes: usize): usize {
  const at = tensor;
  tensor += bytes;
  return at;
}

// @ts-ignore: decorator
@inline
function gain(): usize {
  return take(<usize>(width * 4));
}

/** The next linear layer of the file. */
function project<Way>(x: usize, y: usize, rows: u32, from: u32, to: u32, add: bool): void {
  const weight = take(<usize>from * to);
  const scale = take(<usize>(to * 4));
  const bias: usize = biases ? take(<usize>(to * 4)) : 0;
  linear<Way>(x, y, rows, from, to, weight, scale, bias, sums, add);
  sums += <usize>(to * 4);
}

/** state = wte[token] (or the start vector) + wpe[position]; the walk through the weights begins. */
function embed(rows: u32): void {
  const d = width;
  tensor = weights + tableBytes();
  sums = rowSums;
  const wte = weights;
  const sos = wte + <usize>colors * d * 2;
  const wpe = sos + <usize>(d * 2);
  for (let r: u32 = 0; r < rows; r++) {
    const token = load<i32>(inputs + <usize>(r * 4));
    const from = token == START ? sos : wte + <usize>token * d * 2;
    const place = wpe + <usize>load<u32>(rowPositions + <usize>(r * 4)) * d * 2;
    const to = state + <usize>(r * d * 4);
    for (let i: usize = 0; i < d; i++) {
      store<f32>(to + i * 4, halfToFloat(load<u16>(from + i * 2)) + halfToFloat(load<u16>(place + i * 2)));
    }
  }
}

/** wte [colors, d], sos [d] and wpe [positions, d], in halves. */
function tableBytes(): usize {
  return <usize>(colors + 1 + positions) * width * 2;
}

/** IEEE half to single. */
function halfToFloat(half: u32): f32 {
  const sign = (half & 0x8000) << 16;
  const magnitude = (half & 0x7fff) << 13;
  // Scaling by 2^112 moves the exponent's bias, and makes subnormals right; infinities do not occur in weights.
  return reinterpret<f32>(reinterpret<u32>(reinterpret<f32>(magnitude) * reinterpret<f32>(0x77800000)) | sign);
}

/** Rows in order, so that the sum does not depend on how a prefix was cut into batches. */
function addFeatures(layer: u32, rows: u32): void {
  const to = features + <usize>(layer * width * 4);
  for (let r: u32 = 0; r < rows; r++) {
    const from = normed + <usize>(r * width * 4);
    for (let i: usize = 0; i < <usize>(width * 4); i += 16) {
      v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
    }
  }
}
