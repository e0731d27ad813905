/**
 * The Cloudflare Workflow of one job: its chunks, each a durable step that is tried again, and its end. What it makes lies
 * in R2 and what it has come to in the job's Durable Object, so another instance can go on where a lost one stopped.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
import { explain, OriginFault, type Place } from "../delegation/index.ts";
import { UserError } from "../errors.ts";
import { describeError, log } from "../http/log.ts";
import { edgeSamplesOf } from "../model/edge-plan.ts";
import { servicesOf } from "../services.ts";
import { type ChunkContext, type ChunkOutcome, mayPass, runChunk } from "./chunk.ts";
import { JobObjects } from "./objects.ts";
import { hasEnded, type JobRecord, type JobTrouble } from "./record.ts";
import { jobSettings } from "./settings.ts";

/** Chunks of one job that run at once: as many as keep a few origins busy. */
const LANES = 8;
/** Tries of an origin when the edge can take over. */
const TRIES_BEFORE_EDGE = 3;
/** Of steps that only talk to our own bindings. */
const OWN = { retries: { limit: 10, delay: "1 second", backoff: "exponential" }, timeout: "1 minute" } as const;
/** Waiting for a turn included. */
const CHUNK_TIMEOUT = "12 hours";

interface Plan {
  place: Place;
  chunks: number;
  /** Whether the edge takes over what no origin does. */
  edgeToo: boolean;
}

/** What a step's error says beyond its message, which is all that comes through a step's border. */
const CODE = /^\[([A-Z_]+)\] /;

export class CompletionWorkflow extends WorkflowEntrypoint<Env, { jobId: string }> {
  readonly #settings = jobSettings(this.env);

  override async run(event: Readonly<WorkflowEvent<{ jobId: string }>>, step: WorkflowStep): Promise<void> {
    const { jobId } = event.payload;
    const job = this.env.JOBS.getByName(jobId);
    try {
      const plan = await step.do("begin", OWN, () => this.#begin(jobId));
      if (plan) {
        await inLanes(plan.chunks, LANES, (index) => this.#chunk(step, index, plan, jobId));
        await step.do("finish", OWN, async () => {
          await job.succeed();
        });
      }
    } catch (error) {
      log("error", "job-failed", { job: jobId, ...describeError(error) });
      await step.do("fail", OWN, async () => {
        await job.fail(reason(error));
      });
    }
  }

  /** @returns null when there is nothing to do */
  async #begin(jobId: string): Promise<Plan | null> {
    const job: JobRecord | null = await this.env.JOBS.getByName(jobId).begin();
    if (!job || hasEnded(job)) return null;
    const { models, inference } = servicesOf(this.env);
    const { spec } = await new JobObjects(this.env.BUCKET).input(jobId, job.payload);
    try {
      const model = await models.version(job.model.id, job.model.version);
      const place = inference.route(model, spec);
      return { place, chunks: job.chunks.length, edgeToo: spec.execution === "AUTO" && edgeSamplesOf(model, spec) > 0 };
    } catch (error) {
      throw stepError(error);
    }
  }

  async #chunk(step: WorkflowStep, index: number, { place, edgeToo }: Plan, jobId: string): Promise<void> {
    const { retryMs, retries, stallMs } = this.#settings;
    const limit = edgeToo && place === "ORIGIN" ? TRIES_BEFORE_EDGE : retries;
    // Never so long that the job seems lost.
    const delay = ({ ctx }: { ctx: { attempt: number } }) => Math.min(retryMs * 2 ** (ctx.attempt - 1), stallMs / 3);
    const config = { retries: { limit, delay }, timeout: CHUNK_TIMEOUT } as const;
    const run = (where: Place) => () => this.#runChunk(index, where, jobId);
    try {
      await step.do(`chunk ${index}`, config, run(place));
    } catch (error) {
      if (!edgeToo || place === "EDGE" || !CODE.test(message(error)) || !isOriginTrouble(error)) throw error;
      log("warn", "job-falls-back-to-edge", { job: jobId, chunk: index, error: message(error) });
      await step.do(`chunk ${index} at the edge`, config, async () => {
        await this.#tell(jobId, null);
        return run("EDGE")();
      });
    }
  }

  async #runChunk(index: number, place: Place, jobId: string): Promise<ChunkOutcome> {
    const context: ChunkContext = {
      bucket: this.env.BUCKET,
      services: servicesOf(this.env),
      job: this.env.JOBS.getByName(jobId),
      heartbeatMs: this.#settings.stallMs / 3,
    };
    try {
      return await runChunk(index, place, context);
    } catch (error) {
      const failure = stepError(error);
      const trouble = mayPass(error) ? troubleOf(failure) : null;
      if (trouble) await this.#tell(jobId, trouble);
      throw failure;
    }
  }

  /** What keeps the job from getting on, for who looks at it: the job itself does not need it. */
  async #tell(jobId: string, trouble: JobTrouble | null): Promise<void> {
    await Promise.resolve(this.env.JOBS.getByName(jobId).stumble(trouble)).catch(() => {});
  }
}

/** An error that keeps what it is when only its message is left of it, and isn't tried again in vain. */
function stepError(error: unknown): Error {
  if (error instanceof OriginFault) {
    return new Error(`[ORIGIN_UNAVAILABLE] The job needs the origin, and ${explain(error.kind)}.`, { cause: error });
  }
  if (error instanceof UserError && !mayPass(error)) return new NonRetryableError(`[${error.code}] ${error.message}`);
  if (error instanceof UserError) return new Error(`[${error.code}] ${error.message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

function isOriginTrouble(error: unknown): boolean {
  return message(error).startsWith("[ORIGIN_UNAVAILABLE]");
}

/** What the job's owner is told; what has no code is ours, and masked. */
function reason(error: unknown): JobTrouble {
  return (
    troubleOf(error) ?? {
      code: "INTERNAL_SERVER_ERROR",
      message: "Something went wrong on our side, several times: submit it again.",
    }
  );
}

/** Null for what is ours alone. */
function troubleOf(error: unknown): JobTrouble | null {
  const text = message(error);
  const code = CODE.exec(text)?.[1] as JobTrouble["code"] | undefined;
  return code ? { code, message: text.replace(CODE, "") } : null;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `work(0)` .. `work(count - 1)`, up to `lanes` at once. The first error ends it, when what runs has ended. */
async function inLanes(count: number, lanes: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let stopped = false;
  const lane = async () => {
    while (next < count && !stopped) {
      try {
        await work(next++);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(lanes, count) }, lane));
  for (const outcome of ended) if (outcome.status === "rejected") throw outcome.reason;
}
