/**
 * The Cloudflare Workflow of one job: its chunks, each a durable step that is tried again, and its end. What it makes lies
 * in R2 and what it has come to in the job's Durable Object, so another instance can go on where a lost one stopped.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { explain, OriginFault, type Place, remedy } from "../delegation/index.ts";
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

/**
 * What a step comes to when it failed for good. A value and no NonRetryableError: of that the platform's own words come
 * through the border, and the owner would be told nothing.
 */
interface Hopeless {
  trouble: JobTrouble;
}

class JobFailure extends Error {
  override readonly name = "JobFailure";
  constructor(readonly trouble: JobTrouble) {
    super(trouble.message);
  }
}

export class CompletionWorkflow extends WorkflowEntrypoint<Env, { jobId: string }> {
  readonly #settings = jobSettings(this.env);

  override async run(event: Readonly<WorkflowEvent<{ jobId: string }>>, step: WorkflowStep): Promise<void> {
    const { jobId } = event.payload;
    const job = this.env.JOBS.getByName(jobId);
    try {
      const plan = made(await step.do("begin", OWN, () => this.#begin(jobId)));
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
  async #begin(jobId: string): Promise<Plan | Hopeless | null> {
    const job: JobRecord | null = await this.env.JOBS.getByName(jobId).begin();
    if (!job || hasEnded(job)) return null;
    const { models, inference } = servicesOf(this.env);
    const { spec } = await new JobObjects(this.env.BUCKET).input(jobId, job.payload);
    try {
      const model = await models.version(job.model.id, job.model.version);
      const place = inference.route(model, spec);
      return { place, chunks: job.chunks.length, edgeToo: spec.execution === "AUTO" && edgeSamplesOf(model, spec) > 0 };
    } catch (error) {
      return hopeless(error);
    }
  }

  async #chunk(step: WorkflowStep, index: number, { place, edgeToo }: Plan, jobId: string): Promise<void> {
    const { retryMs, retries, stallMs } = this.#settings;
    const limit = edgeToo && place === "ORIGIN" ? TRIES_BEFORE_EDGE : retries;
    // Never so long that the job seems lost.
    const delay = ({ ctx }: { ctx: { attempt: number } }) => Math.min(retryMs * 2 ** (ctx.attempt - 1), stallMs / 3);
    const config = { retries: { limit, delay }, timeout: CHUNK_TIMEOUT } as const;
    const run = (where: Place) => (step: { attempt: number }) => this.#runChunk(index, where, jobId, step.attempt > 1);
    try {
      made(await step.do(`chunk ${index}`, config, run(place)));
    } catch (error) {
      if (!edgeToo || place === "EDGE" || troubleOf(error)?.code !== "ORIGIN_UNAVAILABLE") throw error;
      log("warn", "job-falls-back-to-edge", { job: jobId, chunk: index, error: message(error) });
      const atEdge = async (step: { attempt: number }) => {
        await this.#tell(jobId, null);
        return run("EDGE")(step);
      };
      made(await step.do(`chunk ${index} at the edge`, config, atEdge));
    }
  }

  async #runChunk(index: number, place: Place, jobId: string, again: boolean): Promise<ChunkOutcome | Hopeless> {
    const context: ChunkContext = {
      bucket: this.env.BUCKET,
      services: servicesOf(this.env),
      job: this.env.JOBS.getByName(jobId),
      heartbeatMs: this.#settings.stallMs / 3,
      retryMs: this.#settings.retryMs,
      again,
    };
    try {
      return await runChunk(index, place, context);
    } catch (error) {
      if (!mayPass(error)) return hopeless(error);
      const failure = stepError(error);
      const trouble = troubleOf(failure);
      if (trouble) await this.#tell(jobId, trouble);
      throw failure;
    }
  }

  /** What keeps the job from getting on, for who looks at it: the job itself does not need it. */
  async #tell(jobId: string, trouble: JobTrouble | null): Promise<void> {
    await Promise.resolve(this.env.JOBS.getByName(jobId).stumble(trouble)).catch(() => {});
  }
}

/** What a step made. @throws JobFailure if that is nothing, and never will be */
function made<T>(outcome: T | Hopeless): T {
  if (isHopeless(outcome)) throw new JobFailure(outcome.trouble);
  return outcome;
}

function isHopeless(outcome: unknown): outcome is Hopeless {
  return typeof outcome === "object" && outcome !== null && "trouble" in outcome;
}

/** @throws the error itself if another try may go better */
function hopeless(error: unknown): Hopeless {
  if (mayPass(error)) throw stepError(error);
  const trouble = troubleOf(stepError(error));
  if (!trouble) throw error;
  return { trouble };
}

/** An error that keeps what it is when only its message is left of it. */
function stepError(error: unknown): Error {
  if (error instanceof OriginFault) {
    const what = `[ORIGIN_UNAVAILABLE] This job needs an origin, and ${explain(error)}`;
    return new Error(error.mayPass ? `${what}.` : `${what}: ${remedy(error)}.`, { cause: error });
  }
  if (error instanceof UserError) return new Error(`[${error.code}] ${error.message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
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
  if (error instanceof JobFailure) return error.trouble;
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
