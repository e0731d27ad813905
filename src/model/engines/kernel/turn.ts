/** How much the kernel does in one turn of the thread. The bits do not depend on it, so it is a matter of time alone. */
import type { ModelShape } from "../../engine.ts";
import { weightProducts } from "../../weight-products.ts";
import { ROWS } from "./layout.ts";

/** Multiply-adds with weights: 64 positions of the shipped model, so a row of two samples, or a quarter of a row of eight. */
const TURN_PRODUCTS = 64 * 6.5e6;
/** A prefix does so many times as much in the same time: its positions share each read of the weights. */
const PREFIX_GAIN = 2;

/**
 * Positions that take about as long for any model and any number of samples.
 * @param samples 0 = of a prefix, which is cut into whole blocks of ROWS
 */
export function turnPositions(shape: ModelShape, samples: number): number {
  const products = weightProducts(shape);
  if (samples > 0) return Math.max(1, Math.floor(TURN_PRODUCTS / (products * samples)));
  return ROWS * Math.max(1, Math.floor((PREFIX_GAIN * TURN_PRODUCTS) / (products * ROWS)));
}
