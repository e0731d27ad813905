// The kernel with its parts to be called one by one: what `bench/parts.ts` measures. Not shipped.

import { attention } from "./attention";
import { remember } from "./cache";
import { fused, Fused, Split } from "./dot";
import { multiply as multiplyBy } from "./forward";
import { layers, normed, wide } from "./state";

export * from "./index";

/** Attention of all layers, on what lies in `wide` and the pages. */
export function attend(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) {
    if (fused) attention<Fused>(layer, wide, normed, rows);
    else attention<Split>(layer, wide, normed, rows);
  }
}

/** Keys and values of all layers for these rows' positions, of what lies in `wide`. */
export function fill(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) remember(layer, wide, rows);
}

/** The matrix products of a step and nothing else. */
export function multiply(rows: u32): void {
  if (fused) multiplyBy<Fused>(rows);
  else multiplyBy<Split>(rows);
}
