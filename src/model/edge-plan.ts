/** What the edge can run of a model, by arithmetic on its manifest alone: nothing is loaded to answer `models`. */
import type { MemoryPlan } from "./engine-factory.ts";
import type { Manifest } from "./manifest.ts";

export interface EdgeLimits {
  /** Bytes of the isolate's budget. */
  capacity: number;
  /** Bytes of it that samples beyond the first leave free, so that pictures can be decoded while a model is loaded. */
  reserve: number;
  /** The most samples of one request, whatever fits. */
  maxSamples: number;
}

/** Samples that compute together: more make a turn so long that other requests wait for it. */
const MAX_BATCH = 8;
/** Batches of one request, one after another: bounds its compute where memory allows only small ones. */
const MAX_BATCHES = 2;

export interface EdgePlan {
  /** Samples that run at once; 0 = the model is for an origin only. */
  batch: number;
  /** The most samples of one request. */
  edgeSamples: number;
}

export function edgePlan(
  manifest: Manifest,
  memory: MemoryPlan,
  { capacity, reserve, maxSamples }: EdgeLimits,
): EdgePlan {
  const bytes = (samples: number) => memory.loadBytes + memory.requestBytes(samples);
  if (manifest.precision !== "int8" || bytes(1) > capacity) return { batch: 0, edgeSamples: 0 };
  let batch = 1;
  while (batch < Math.min(MAX_BATCH, maxSamples) && bytes(batch + 1) <= capacity - reserve) batch++;
  return { batch, edgeSamples: Math.min(maxSamples, batch * MAX_BATCHES) };
}
