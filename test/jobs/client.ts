/** What tests and the soak run ask of jobs, over HTTP as any client would. */
import { PNG } from "pngjs";
import type { SharedWorker } from "../shared-worker.ts";

export interface JobAnswer {
  id: string;
  status: string;
  ranOn: string | null;
  engine: string | null;
  seed: number;
  error: { code: string; message: string } | null;
  samples: { index: number; nllPerPixel: number; image: { tokens: number[] } }[];
}

export interface Submitted {
  completion: { id: string; status: string } | null;
  userErrors: { code: string; message: string; path: string[] | null }[];
}

export interface SubmitVariables {
  image: Record<string, unknown>;
  samples?: number;
  options?: Record<string, unknown>;
  idempotencyKey?: string;
  webhookUrl?: string;
}

const SUBMIT = `mutation ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions, $idempotencyKey: String, $webhookUrl: URL) {
  submitCompletion(image: $image, samples: $samples, options: $options, idempotencyKey: $idempotencyKey, webhookUrl: $webhookUrl) {
    completion { id status }
    userErrors { code message path }
  }
}`;
export const JOB_FIELDS =
  "id status ranOn engine seed error { code message } samples { index nllPerPixel image { tokens } }";

/** A picture of 32x32 in base64: a gradient, different for each `variant`. */
export function picture(variant = 0): { base64: string } {
  const png = new PNG({ width: 32, height: 32 });
  for (let i = 0; i < 1024; i++) {
    png.data.set([(i * 7 + variant * 40) & 255, (i >> 2) & 255, (variant * 90 + (i & 31) * 8) & 255, 255], i * 4);
  }
  return { base64: PNG.sync.write(png).toString("base64") };
}

export async function submit(
  worker: SharedWorker,
  variables: SubmitVariables,
  headers?: Record<string, string>,
): Promise<Submitted> {
  const { submitCompletion } = await worker.data<{ submitCompletion: Submitted }>(SUBMIT, { ...variables }, headers);
  return submitCompletion;
}

/** @throws Error when it is not accepted */
export async function submitted(
  worker: SharedWorker,
  variables: SubmitVariables,
  headers?: Record<string, string>,
): Promise<string> {
  const { completion, userErrors } = await submit(worker, variables, headers);
  if (!completion) throw new Error(JSON.stringify(userErrors));
  return completion.id;
}

export async function job(
  worker: SharedWorker,
  id: string,
  headers?: Record<string, string>,
): Promise<JobAnswer | null> {
  const query = `query ($id: ID!) { completion(id: $id) { ${JOB_FIELDS} } }`;
  return (await worker.data<{ completion: JobAnswer | null }>(query, { id }, headers)).completion;
}

export async function status(worker: SharedWorker, id: string, headers?: Record<string, string>): Promise<string> {
  const query = "query ($id: ID!) { completion(id: $id) { status } }";
  const { completion } = await worker.data<{ completion: { status: string } | null }>(query, { id }, headers);
  return completion?.status ?? "MISSING";
}

/** Waits for a job's end. */
export async function ended(worker: SharedWorker, id: string, headers?: Record<string, string>): Promise<JobAnswer> {
  for (;;) {
    const now = await status(worker, id, headers);
    if (now !== "QUEUED" && now !== "RUNNING") break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const answer = await job(worker, id, headers);
  if (!answer) throw new Error(`job ${id} is gone`);
  return answer;
}
