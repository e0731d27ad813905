/** Jobs as the resolvers see them: submitted, looked up, cancelled, watched. */
import type { Reservation } from "../access/index.ts";
import { PartialPictures, ranges } from "../delegation/index.ts";
import { UserError } from "../errors.ts";
import type { CompletedSample, CompletionProgress, CompletionSpec, Model } from "../model/types.ts";
import { CHUNK_SAMPLES } from "./chunk.ts";
import type { CompletionJob } from "./job.ts";
import { type JobInput, JobObjects } from "./objects.ts";
import { hasEnded, type JobRecord } from "./record.ts";
import { jobSettings } from "./settings.ts";

export interface Submission {
  owner: string;
  model: Model;
  spec: CompletionSpec;
  /** [pixels] palette indices. */
  tokens: Int32Array;
  /** A hash of all that the caller asked for. */
  payload: string;
  idempotencyKey: string | null;
  webhook: { url: string; keyId: string | null } | null;
  pixels: number;
  reservation: Reservation;
}

/** A job with the pictures so far. */
export interface JobProgress {
  job: JobRecord;
  progress: CompletionProgress;
}

const JOB_ID = /^job_[0-9a-f]{32}$/;
/** Between two looks at a job that is watched. */
const FIRST_LOOK_MS = 200;
const LONGEST_LOOK_MS = 1_000;

export class Jobs {
  readonly #env: Env;
  readonly #objects: JobObjects;

  constructor(env: Env) {
    this.#env = env;
    this.#objects = new JobObjects(env.BUCKET);
  }

  /**
   * Stores and starts a job; the same idempotency key with the same payload gives the job that is there.
   * @throws UserError IDEMPOTENCY_CONFLICT
   */
  async submit(submission: Submission): Promise<JobRecord> {
    const { reservation } = submission;
    const id = await jobId(submission);
    try {
      const { job, isNew } = await this.#store(id, submission);
      if (!isNew) await reservation.refund();
      return job;
    } catch (error) {
      await reservation.refund();
      throw error;
    }
  }

  async #store(id: string, submission: Submission): Promise<{ job: JobRecord; isNew: boolean }> {
    const { payload, spec, tokens, reservation } = submission;
    await this.#objects.putInput(id, payload, { spec, tokens: Array.from(tokens) });
    const stub = this.#stub(id);
    try {
      const submitted = await stub.submit(newJob(id, submission, jobSettings(this.#env).keepMs));
      if (submitted.outcome !== "conflict") return { job: submitted.job, isNew: submitted.outcome === "created" };
    } catch (error) {
      // It may be the answer alone that was lost.
      const job: JobRecord | null = await stub.view();
      if (job?.reservation.id === reservation.id) return { job, isNew: true };
      throw error;
    }
    await this.#objects.deleteInput(id, payload);
    throw new UserError(
      "IDEMPOTENCY_CONFLICT",
      "This idempotencyKey was used for another submission: repeat that one exactly, or use a new key.",
    );
  }

  /** Null for what is not there, has expired, or is somebody else's. */
  async find(id: string, owner: string): Promise<JobRecord | null> {
    if (!JOB_ID.test(id)) return null;
    const job: JobRecord | null = await this.#stub(id).view();
    return job?.owner === owner ? job : null;
  }

  /** What has not begun isn't begun any more. A job that has ended stays as it is. @throws UserError NOT_FOUND */
  async cancel(id: string, owner: string): Promise<JobRecord> {
    const job = (await this.find(id, owner)) && (await this.#stub(id).cancel());
    if (!job) throw noSuchJob(id);
    return job;
  }

  /** Takes back a submission whose job's id did not reach the caller. */
  async withdraw({ id, reservation }: JobRecord): Promise<void> {
    await this.#stub(id).withdraw(reservation.id);
  }

  input({ id, payload }: JobRecord): Promise<JobInput> {
    return this.#objects.input(id, payload);
  }

  /** The samples that a job has made, in order: of one that has succeeded all. */
  async samples({ id, chunks }: JobRecord): Promise<CompletedSample[]> {
    const made = chunks.flatMap((chunk, index) => (chunk.made ? [index] : []));
    const stored = await Promise.all(made.map((index) => this.#objects.chunk(id, index)));
    return stored.flatMap(({ samples }) => samples).sort((a, b) => a.index - b.index);
  }

  /**
   * A job until it has ended: now, and whenever it has got on or is kept from it. Looks at its state from time to time, within the caller's
   * own request: nothing in one request of a Worker can wake another.
   * @throws UserError NOT_FOUND, also when it expires meanwhile
   */
  async *watch(id: string, owner: string, signal: AbortSignal): AsyncGenerator<JobProgress, void, void> {
    let job = await this.find(id, owner);
    if (!job) throw noSuchJob(id);
    const { spec, tokens } = await this.input(job);
    const pictures = new PartialPictures(spec, tokens, Math.sqrt(tokens.length));
    const shown = new Set<number>();
    let last = "";
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LONGEST_LOOK_MS)) {
      for (const [index, { made }] of job.chunks.entries()) {
        if (!made || shown.has(index)) continue;
        shown.add(index);
        for (const sample of (await this.#objects.chunk(id, index)).samples) pictures.put(sample.index, sample.tokens);
      }
      const state = `${job.status} ${shown.size} ${job.retrying?.message}`;
      if (state !== last) {
        last = state;
        pause = FIRST_LOOK_MS;
        yield { job, progress: pictures.now() };
      }
      if (hasEnded(job)) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
      signal.throwIfAborted();
      job = await this.find(id, owner);
      if (!job) throw noSuchJob(id);
    }
  }

  #stub(id: string): DurableObjectStub<CompletionJob> {
    return this.#env.JOBS.getByName(id);
  }
}

/** The same key of the same owner leads to the same job; without a key every submission is a new one. */
async function jobId({ owner, idempotencyKey }: Submission): Promise<string> {
  if (idempotencyKey === null) return `job_${crypto.randomUUID().replaceAll("-", "")}`;
  const bytes = new TextEncoder().encode(`${owner}\0${idempotencyKey}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).subarray(0, 16);
  return `job_${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function newJob(id: string, submission: Submission, keepMs: number): JobRecord {
  const { owner, payload, model, spec, webhook, pixels, reservation } = submission;
  const now = Date.now();
  return {
    ...{ id, owner, payload, pixels, seed: spec.seed, keepRows: spec.keepRows, samples: spec.samples },
    model: { id: model.id, version: model.version },
    chunks: ranges(spec.samples, CHUNK_SAMPLES).map((range) => ({ ...range, made: null })),
    status: "QUEUED",
    error: null,
    retrying: null,
    createdAt: now,
    finishedAt: null,
    expiresAt: now + keepMs,
    launches: 0,
    aliveAt: now,
    reservation: { id: reservation.id, meter: reservation.meter, settled: false },
    webhook: webhook && { ...webhook, attempts: 0, nextAt: now },
  };
}

function noSuchJob(id: string): UserError {
  return new UserError("NOT_FOUND", `There is no job ${JSON.stringify(id.slice(0, 64))}: it may have expired.`);
}
