// The kernel with its parts to be called one by one: what `bench/parts.ts` measures. Not shipped.

import { attention } from "./attention";
import { remember } from "./cache";
import { layers, normed, wide } from "./state";

export * from "./index";
export { multiply } from "./forward";

/** Attention of all layers, on what lies in `wide` and the pages. */
export function attend(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) attention(layer, wide, normed, rows);
}

/** Keys and values of all layers for these rows' positions, of what lies in `wide`. */
export function fill(rows: u32): void {
  for (let layer: u32 = 0; layer < layers; layer++) remember(layer, wide, rows);
}
