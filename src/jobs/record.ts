/** A job's state and the only ways in which it changes. No I/O: the Durable Object stores what comes out of here. */

import type { Place, SampleRange } from "../delegation/index.ts";
import type { ErrorCode } from "../errors.ts";

export type JobStatus = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";

/** Who computed a chunk. */
export interface Maker {
  ranOn: Place;
  engine: string;
}

export interface Chunk extends SampleRange {
  /** Null until its samples are stored. */
  made: Maker | null;
}

/** As the job's owner is told it. */
export interface JobTrouble {
  code: ErrorCode | "INTERNAL_SERVER_ERROR";
  message: string;
}

/** All times are milliseconds since 1970. */
export interface JobRecord {
  id: string;
  /** Whose it is: for anybody else it does not exist. */
  owner: string;
  /** A hash of what was submitted: the same idempotency key with another one is a conflict. */
  payload: string;
  model: { id: string; version: string };
  seed: number;
  keepRows: number;
  samples: number;
  /** Pixels to generate, of all samples and their candidates. */
  pixels: number;
  chunks: Chunk[];
  status: JobStatus;
  error: JobTrouble | null;
  /** Of the last try, while another is due. */
  retrying: JobTrouble | null;
  createdAt: number;
  finishedAt: number | null;
  /** When it and its samples are deleted: counted anew from its end, so that a long job's result is kept as long as any. */
  expiresAt: number;
  /** Workflow instances started for it: more than one if one was lost. */
  launches: number;
  /** The last sign of the workflow's life. */
  aliveAt: number;
  /** What is set aside of the owner's quota, until it is settled; its id tells one submission from another. */
  reservation: { id: string; meter: string | null; settled: boolean };
  /** The delivery that is still to be made. */
  webhook: Webhook | null;
}

export interface Webhook {
  url: string;
  /** The key whose secret signs; null: the deployment's own. */
  keyId: string | null;
  attempts: number;
  nextAt: number;
}

export function hasEnded({ status }: JobRecord): boolean {
  return status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";
}

/** Samples of the chunks that are stored. */
export function samplesDone({ chunks }: JobRecord): number {
  return chunks.reduce((sum, { count, made }) => sum + (made ? count : 0), 0);
}

export function begun(job: JobRecord, now: number): JobRecord {
  return hasEnded(job) ? job : { ...job, status: "RUNNING", aliveAt: now };
}

/** A chunk that comes twice (its step was repeated) or too late changes nothing. */
export function withChunk(job: JobRecord, index: number, made: Maker, now: number): JobRecord {
  if (hasEnded(job)) return job;
  const chunks = job.chunks.map((chunk, i) => (i === index && !chunk.made ? { ...chunk, made } : chunk));
  return { ...job, chunks, aliveAt: now, retrying: null };
}

/** A chunk could not be made and is tried again; null: what kept it from being made does so no more. */
export function stumbled(job: JobRecord, trouble: JobTrouble | null): JobRecord {
  const same = job.retrying?.code === trouble?.code && job.retrying?.message === trouble?.message;
  return same || hasEnded(job) ? job : { ...job, retrying: trouble };
}

/** @throws Error while samples are missing: that would be a bug */
export function succeeded(job: JobRecord, now: number): JobRecord {
  if (hasEnded(job)) return job;
  if (samplesDone(job) !== job.samples) throw new Error(`job ${job.id}: ${samplesDone(job)} of ${job.samples} samples`);
  return ended(job, "SUCCEEDED", now);
}

export function failed(job: JobRecord, error: JobTrouble, now: number): JobRecord {
  return hasEnded(job) ? job : { ...ended(job, "FAILED", now), error };
}

export function cancelled(job: JobRecord, now: number): JobRecord {
  return hasEnded(job) ? job : ended(job, "CANCELLED", now);
}

/** What the owner pays for: all of a job that succeeded, the stored chunks of one that was cancelled, nothing of a failed one. */
export function pixelsUsed(job: JobRecord): number {
  if (job.status === "FAILED") return 0;
  return (job.pixels * samplesDone(job)) / job.samples;
}

/** Who made the samples, in one; null before the first chunk. The origin if it made any. */
export function makerOf({ chunks }: JobRecord): Maker | null {
  const makers = chunks.flatMap(({ made }) => (made ? [made] : []));
  if (makers.length === 0) return null;
  const engines = [...new Set(makers.map(({ engine }) => engine))];
  return { ranOn: makers.some(({ ranOn }) => ranOn === "ORIGIN") ? "ORIGIN" : "EDGE", engine: engines.join("+") };
}

function ended(job: JobRecord, status: JobStatus, now: number): JobRecord {
  const webhook = job.webhook && { ...job.webhook, nextAt: now };
  const expiresAt = now + (job.expiresAt - job.createdAt);
  return { ...job, status, retrying: null, finishedAt: now, expiresAt, webhook };
}
