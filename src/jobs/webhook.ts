/** Telling the owner that a job has ended: Standard Webhooks (standardwebhooks.com), signed by its library. */
import { Webhook as Signer } from "standardwebhooks";
import { checkPublicUrl, type UrlPolicy } from "../net/public-url.ts";
import { type JobRecord, makerOf, type Webhook } from "./record.ts";

/** Deliveries: the last one about three hours after the first with the usual first pause of 10 s. */
export const MAX_DELIVERIES = 11;
const ANSWER_MS = 15_000;

/** Pauses double: 10 s, 20 s, ... */
export function pauseAfter(attempts: number, firstMs: number): number {
  return firstMs * 2 ** (attempts - 1);
}

/** What the receiver gets; the samples are fetched with `completion(id)`. */
export function webhookPayload(job: JobRecord): string {
  const { id, status, model, seed, samples, error, createdAt, finishedAt } = job;
  const iso = (time: number | null) => time && new Date(time).toISOString();
  const times = { createdAt: iso(createdAt), finishedAt: iso(finishedAt) };
  const data = { id, status, model, seed, samples, ranOn: null, engine: null, ...makerOf(job), error, ...times };
  return JSON.stringify({ type: `completion.${status.toLowerCase()}`, timestamp: times.finishedAt, data });
}

/**
 * One delivery. The id is the job's: a receiver that sees it twice knows that it is the same message.
 * @param secrets newest first: during a rotation's grace period there are two, and two signatures
 * @throws Error when it was not taken with a 2xx
 */
export async function deliver(
  job: JobRecord,
  { url }: Webhook,
  secrets: readonly string[],
  policy: UrlPolicy,
  fetcher: typeof fetch,
): Promise<void> {
  const target = await checkPublicUrl(url, policy);
  const body = webhookPayload(job);
  const id = `msg_${job.id}`;
  const at = new Date();
  const response = await fetcher(target.href, {
    method: "POST",
    // A redirect could lead to where the guard would not let us go.
    redirect: "manual",
    signal: AbortSignal.timeout(ANSWER_MS),
    headers: {
      "Content-Type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": secrets.map((secret) => new Signer(secret).sign(id, at, body)).join(" "),
    },
    body,
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
}
