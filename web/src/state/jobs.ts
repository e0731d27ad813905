/** Large jobs: submitted, followed while this page is open, found again after a reload of the tab. */
import { signal } from "@preact/signals";
import { request, subscribe } from "../api/client.ts";
import { CANCEL_JOB, JOB, JOB_PROGRESS, SUBMIT } from "../api/documents.ts";
import { ApiError, asApiError, isMissingField, NOT_YET } from "../api/errors.ts";
import type { CompleteVariables, Job, JobProgressEvent, Status, Submitted } from "../api/types.ts";
import { readStored, writeStored } from "../stored.ts";
import { seed, side } from "./settings.ts";
import { completeVariables, whatIsMissing } from "./variables.ts";

/** The contract's limit of `submitCompletion`. */
export const MOST_JOB_SAMPLES = 256;

const STORED_AS = "igpt.job";
const ENDED: readonly Status[] = ["SUCCEEDED", "FAILED", "CANCELLED"];

export interface JobView {
  id: string;
  status: Status;
  samplesAsked: number;
  rowsDone: number;
  rowsTotal: number;
  /** What keeps it from getting on, in the server's words. */
  retrying: string | null;
  result: Job | null;
}

export const job = signal<JobView | null>(null);
export const jobError = signal<ApiError | null>(null);
export const submitting = signal(false);
/** null = not yet asked; false = this server takes no large jobs. */
export const jobsAvailable = signal<boolean | null>(null);

let close: (() => void) | null = null;
/** What "Try again" does about the error that is shown. */
let again: () => Promise<void> = async () => {};

/** Does this server have jobs? And is one of this tab's still to be shown? */
export async function openJobs(): Promise<void> {
  if (jobsAvailable.value !== null) return;
  const stored = storedJob();
  try {
    const { completion } = await request<{ completion: Job | null }>(JOB, { id: stored?.id ?? "none" });
    jobsAvailable.value = true;
    if (stored && completion) resume(completion, stored.samplesAsked);
  } catch (error) {
    const problem = asApiError(error);
    jobsAvailable.value = !isMissingField(problem);
    if (["NOT_FOUND", "BAD_OPTION"].includes(problem.code) || !jobsAvailable.value) return;
    stop(problem, () => {
      jobsAvailable.value = null;
      return openJobs();
    });
  }
}

/** Submits the picture and settings as they are. */
export async function submitJob(count: number): Promise<void> {
  const missing = whatIsMissing();
  if (missing) return stop(new ApiError(NOT_YET, missing), () => submitJob(count));
  jobError.value = null;
  await submit({ ...completeVariables(seed.value, count), idempotencyKey: crypto.randomUUID() });
}

async function submit(variables: CompleteVariables): Promise<void> {
  submitting.value = true;
  // Without an answer the server may have it, so it is sent again under the same key.
  let retry = () => submit(variables);
  try {
    const { submitCompletion } = await request<Submitted>(SUBMIT, variables);
    retry = () => submitJob(variables.samples);
    const [wrong] = submitCompletion.userErrors;
    if (wrong) throw new ApiError(wrong.code, wrong.message);
    if (!submitCompletion.completion)
      throw new ApiError("UNREADABLE", "The server accepted no job and gave no reason.");
    const { id, status } = submitCompletion.completion;
    follow({ id, status, samplesAsked: variables.samples });
  } catch (error) {
    const problem = asApiError(error);
    stop(problem, retry);
    if (isMissingField(problem)) jobsAvailable.value = false;
  } finally {
    submitting.value = false;
  }
}

function resume(known: Job, samplesAsked: number): void {
  const { id, status } = known;
  if (ENDED.includes(status)) {
    job.value = { id, status, samplesAsked, rowsDone: 1, rowsTotal: 1, retrying: null, result: known };
  } else {
    follow({ id, status, samplesAsked });
  }
}

function follow({ id, status, samplesAsked }: Pick<JobView, "id" | "status" | "samplesAsked">): void {
  close?.();
  writeStored("sessionStorage", STORED_AS, JSON.stringify({ id, samplesAsked }));
  job.value = { id, status, samplesAsked, rowsDone: 0, rowsTotal: side.value, retrying: null, result: null };
  close = subscribe<JobProgressEvent>(
    JOB_PROGRESS,
    { id },
    {
      next: ({ completionProgress: { status: now, rowsDone, rowsTotal, retrying } }) => {
        if (job.value?.id !== id) return;
        job.value = { ...job.value, status: now, rowsDone, rowsTotal, retrying: retrying?.message ?? null };
      },
      failed: (error) => stop(error, () => lookAgain(id)),
      ended: () => void collect(id),
    },
  );
}

/** The result, once the stream of progress has ended. */
async function collect(id: string): Promise<void> {
  try {
    const { completion } = await request<{ completion: Job | null }>(JOB, { id });
    if (!completion) throw new ApiError("NOT_FOUND", "The job's result has been deleted.");
    if (job.value?.id === id) job.value = { ...job.value, status: completion.status, result: completion };
  } catch (error) {
    stop(asApiError(error), () => lookAgain(id));
  }
}

/** Its result if it has ended meanwhile, else how far it is. */
async function lookAgain(id: string): Promise<void> {
  await collect(id);
  const known = job.value;
  if (known?.id === id && known.result && !hasEnded(known)) follow(known);
}

export async function cancelJob(): Promise<void> {
  if (!job.value) return;
  const { id } = job.value;
  try {
    const { cancelCompletion } = await request<{ cancelCompletion: { id: string; status: Status } }>(CANCEL_JOB, {
      id,
    });
    if (job.value?.id === id) job.value = { ...job.value, status: cancelCompletion.status };
  } catch (error) {
    stop(asApiError(error), cancelJob);
  }
}

/** Does again what the error that is shown has stopped. */
export async function retryJob(): Promise<void> {
  jobError.value = null;
  await again();
}

function stop(error: ApiError, retry: () => Promise<void>): void {
  jobError.value = error;
  again = retry;
}

export function hasEnded({ status }: Pick<JobView, "status">): boolean {
  return ENDED.includes(status);
}

function storedJob(): { id: string; samplesAsked: number } | null {
  try {
    const stored: unknown = JSON.parse(readStored("sessionStorage", STORED_AS) ?? "null");
    if (typeof stored !== "object" || stored === null || !("id" in stored) || !("samplesAsked" in stored)) return null;
    return { id: String(stored.id), samplesAsked: Number(stored.samplesAsked) };
  } catch {
    return null;
  }
}
