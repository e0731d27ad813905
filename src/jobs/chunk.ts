/** One chunk of a job: its samples by an origin or at the edge, stored before they count. */

import { enginesOf, OriginFault, type Place, ranges } from "../delegation/index.ts";
import { UserError } from "../errors.ts";
import { edgeSamplesOf } from "../model/edge-plan.ts";
import type { CompletionSpec, Model } from "../model/types.ts";
import { persistently } from "../net/persistently.ts";
import type { Services } from "../services.ts";
import type { CompletionJob } from "./job.ts";
import { type ChunkSamples, type JobInput, JobObjects } from "./objects.ts";
import { hasEnded, type JobRecord, type Maker } from "./record.ts";

/** Samples of a chunk: what an engine runs well at once, and a loss that is soon made up for. */
export const CHUNK_SAMPLES = 16;
/** The longest that one call to an origin may take. */
const CALL_MS = 5 * 60_000;

export interface ChunkContext {
  bucket: R2Bucket;
  services: Services;
  job: DurableObjectStub<CompletionJob>;
  /** How often it is said that this still works, in milliseconds. */
  heartbeatMs: number;
  /** Before the storing is tried again, in milliseconds; doubled each time. */
  retryMs: number;
  /** Whether it was tried before: what it made then may be stored. */
  again: boolean;
}

/** Tries of storing what was made, before the chunk's step fails and with it what was made. */
const STORING_TRIES = 5;

export type ChunkOutcome = "made" | "unwanted";

/**
 * Makes a chunk unless that was done before, or the job is not wanted any more.
 * @throws OriginFault, to be tried again unless it says otherwise; UserError, for good
 */
export async function runChunk(index: number, place: Place, context: ChunkContext): Promise<ChunkOutcome> {
  const job = await context.job.begin();
  const chunk = job?.chunks[index];
  if (!job || !chunk || hasEnded(job)) return "unwanted";
  if (chunk.made) return "made";
  const objects = new JobObjects(context.bucket);
  const input = await objects.input(job.id, job.payload);
  const model = await context.services.models.version(job.model.id, job.model.version);
  // A beat that is missed does not matter, the next one counts.
  const heart = setInterval(() => void Promise.resolve(context.job.begin()).catch(() => {}), context.heartbeatMs);
  const persistence = { tries: STORING_TRIES, pauseMs: context.retryMs };
  try {
    let result = context.again || job.launches > 1 ? await objects.findChunk(job.id, index) : null;
    if (!result) {
      const made = await (place === "ORIGIN" ? atOrigin : atEdge)(model, input, chunk, context);
      await persistently(persistence, () => objects.putChunk(job.id, index, made));
      result = made;
    }
    const { made } = result;
    const after = await persistently(persistence, async () => context.job.chunkMade(index, made));
    if (after) return "made";
    // The job is gone meanwhile: nobody would ever delete what came too late.
    await objects.deleteAll(job.id);
    return "unwanted";
  } finally {
    clearInterval(heart);
  }
}

type Work = (
  model: Model,
  input: JobInput,
  chunk: JobRecord["chunks"][number],
  context: ChunkContext,
) => Promise<ChunkSamples>;

const atOrigin: Work = async (model, { spec, tokens }, { first, count }, { services }) => {
  const { samples, engine } = await services.inference.atOrigin(model, tokens, spec, { first, count }, CALL_MS);
  return { made: { ranOn: "ORIGIN", engine }, samples };
};

/** In parts that the edge holds. */
const atEdge: Work = async (model, { spec, tokens }, { first, count }, { services }) => {
  const most = edgeSamplesOf(model, spec);
  if (most === 0) throw new UserError("JOB_TOO_LARGE", `${model.id} is too large for the edge.`);
  const parts = [];
  for (const range of ranges(count, most)) {
    const part: CompletionSpec = { ...spec, execution: "EDGE", samples: range.count, firstSample: first + range.first };
    parts.push(await services.models.completed(model, tokens, part));
  }
  const made: Maker = { ranOn: "EDGE", engine: enginesOf(parts.map(({ engine }) => engine)) };
  return { made, samples: parts.flatMap(({ samples }) => samples) };
};

/** Whether the next try may go better. */
export function mayPass(error: unknown): boolean {
  if (error instanceof OriginFault) return error.mayPass;
  return !(error instanceof UserError) || error.code === "BUSY";
}
