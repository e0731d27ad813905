// The kernel with its parts to be called one by one: what `bench/parts.ts` measures. Not shipped.

import { begin, headsAtOnce, mixHeads, scoreHeads, weighHeads } from "./attention";
import { remember } from "./cache";
import { fused, Fused, Split } from "./dot";
import { multiply as multiplyBy } from "./forward";
import { norm, quickGelu } from "./norm";
import { quantiseRows } from "./quantise";
import { draw, negativeLogLikelihood } from "./sample";
import { colors, heads, layers, logits, normed, state, weights, wide, width } from "./state";

export * from "./index";

/**
 * Attention of all layers, on what lies in `wide` and the pages, up to a phase: 1 = the queries and their scores, 2 = the
 * softmax as well, 3 = all. Weights take the place of scores, so a phase cannot be run by itself: what it takes is a difference.
 */
export function attend(rows: u32, phases: u32): void {
  if (fused) attendBy<Fused>(rows, phases);
  else attendBy<Split>(rows, phases);
}

function attendBy<Way>(rows: u32, phases: u32): void {
  const together = headsAtOnce(rows);
  for (let layer: u32 = 0; layer < layers; layer++) {
    for (let from: u32 = 0; from < heads; from += together) {
      const to = min<u32>(heads, from + together);
      begin(from, to, wide, normed, rows);
      scoreHeads<Way>(layer, from, to, rows);
      if (phases > 1) weighHeads(layer, from, to, rows);
      if (phases > 2) mixHeads<Way>(layer, from, to, normed, rows);
    }
  }
}

/** Keys and values of all layers for these rows' positions, of what lies in `wide`. */
export function fill(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) remember(layer, wide, rows);
}

/** The matrix products of a step, their activations quantised, and nothing else. */
export function multiply(rows: u32): void {
  if (fused) multiplyBy<Fused>(rows);
  else multiplyBy<Split>(rows);
}

/** The quantising of a step's activations: a part of `multiply`. */
export function quantise(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) {
    quantiseRows(normed, rows, width);
    quantiseRows(normed, rows, width);
    quantiseRows(normed, rows, width);
    quantiseRows(wide, rows, 4 * width);
  }
  quantiseRows(normed, rows, width);
}

/** The norms and the MLP's nonlinearity of a step; any gain does. */
export function normalise(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) {
    norm(state, weights, normed, rows, width);
    norm(state, weights, normed, rows, width);
    quickGelu(wide, rows * 4 * width);
  }
  norm(state, weights, normed, rows, width);
}

/** The drawing of a colour of each row, and its nats, from what lies in `logits`. */
export function sample(rows: u32): f32 {
  let sum: f32 = 0;
  for (let r: u32 = 0; r < rows; r++) {
    const row = logits + <usize>(r * colors * 4);
    sum += negativeLogLikelihood(row, draw(row, 1, 0, 1, 0.5));
  }
  return sum;
}
