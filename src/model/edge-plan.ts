/** What the edge can run of a model, by arithmetic on its manifest alone: nothing is loaded to answer `models`. */
import { UserError } from "../errors.ts";
import type { Manifest } from "./bundle/manifest.ts";
import { mostPositions } from "./candidates/lineage.ts";
import type { EngineFactory, MemoryPlan } from "./engine-factory.ts";
import { MAX_CANDIDATES } from "./options.ts";
import type { CompletionSpec } from "./types.ts";

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

/** Candidates of all samples of one request together: bounds its compute. */
const MAX_ALL_CANDIDATES = 128;

export interface EdgePlan {
  /** Samples that run at once; 0 = the model is for an origin only. */
  batch: number;
  /** The most samples of one request. */
  edgeSamples: number;
  /** The most candidates of a sample. */
  edgeCandidates: number;
}

/** What a request that is too large for the edge is told of it. */
export function edgeLimit(model: Omit<EdgePlan, "batch"> & { id: string }, spec: CompletionSpec): string {
  const { samples, candidates = 1 } = spec;
  const most = edgeSamplesOf(model, spec);
  if (candidates === 1) return `The edge runs up to ${most} samples of ${model.id}, and you asked for ${samples}`;
  if (most === 0) {
    return `The edge runs up to ${model.edgeCandidates} candidates for each sample of ${model.id}, and you asked for ${candidates}`;
  }
  return `With ${candidates} candidates each, the edge runs up to ${most} samples of ${model.id}, and you asked for ${samples}`;
}

const ORIGIN_ONLY: EdgePlan = { batch: 0, edgeSamples: 0, edgeCandidates: 0 };

/** The most samples of a request with so many candidates each; 0 = an origin has to run it. */
export function edgeSamplesOf(
  { edgeSamples, edgeCandidates }: Omit<EdgePlan, "batch">,
  { candidates = 1 }: { candidates?: number },
): number {
  if (candidates === 1) return edgeSamples;
  return candidates > edgeCandidates ? 0 : Math.min(edgeSamples, Math.floor(MAX_ALL_CANDIDATES / candidates));
}

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
  const { positions } = manifest.architecture;
  const filterBytes = (candidates: number) =>
    Math.max(
      memory.loadBytes,
      memory.residentBytes + memory.requestBytes(candidates, given, mostPositions(candidates, given ?? 0, positions)),
    );
  let edgeCandidates = 1;
  while (edgeCandidates < MAX_CANDIDATES && filterBytes(edgeCandidates + 1) <= capacity - reserve) edgeCandidates++;
  return { batch, edgeSamples: Math.min(maxSamples, batch * MAX_BATCHES), edgeCandidates };
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
