/** What the edge can run of a model, by arithmetic on its manifest alone: nothing is loaded to answer `models`. */
import { UserError } from "../errors.ts";
import type { EngineFactory, MemoryPlan } from "./engine-factory.ts";
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
const MAX_BATCHES = 4;

export interface EdgePlan {
  /** Samples that run at once; 0 = the model is for an origin only. */
  batch: number;
  /** The most samples of one request. */
  edgeSamples: number;
}

const ORIGIN_ONLY: EdgePlan = { batch: 0, edgeSamples: 0 };

/** @param given positions of a request's prefix, when they are known: more samples may then fit at once */
export function edgePlan(manifest: Manifest, factory: EngineFactory, limits: EdgeLimits, given?: number): EdgePlan {
  const { capacity, reserve, maxSamples } = limits;
  const memory = manifest.precision === "int8" ? planOrNone(factory, manifest) : undefined;
  if (!memory) return ORIGIN_ONLY;
  const bytes = (samples: number) =>
    Math.max(memory.loadBytes, memory.residentBytes + memory.requestBytes(samples, given));
  if (bytes(1) > capacity) return ORIGIN_ONLY;
  let batch = 1;
  while (batch < Math.min(MAX_BATCH, maxSamples) && bytes(batch + 1) <= capacity - reserve) batch++;
  return { batch, edgeSamples: Math.min(maxSamples, batch * MAX_BATCHES) };
}

/** A shape that the edge's engine cannot run is no mistake: an origin may. */
function planOrNone(factory: EngineFactory, manifest: Manifest): MemoryPlan | undefined {
  try {
    return factory.plan(manifest);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
