/**
 * One job's state, in a Durable Object of its own: what is read is what was last written, wherever it is read from.
 * Its alarm sees to what must happen though nobody asks: a lost workflow is started again, a finished job's quota is
 * settled and its webhook delivered, an expired one is deleted.
 */
import { DurableObject } from "cloudflare:workers";
import { KeyStore, settleReservation } from "../access/index.ts";
import { describeError, log } from "../http/log.ts";
import { servicesOf } from "../services.ts";
import { JobObjects } from "./objects.ts";
import * as record from "./record.ts";
import { type JobRecord, type JobTrouble, type Maker, pixelsUsed } from "./record.ts";
import { type JobSettings, jobSettings } from "./settings.ts";
import { deliver, MAX_DELIVERIES, pauseAfter } from "./webhook.ts";

const KEY = "job";
/** Workflows started for one job before it is given up. */
const MAX_LAUNCHES = 20;
/** When what follows a job's end fails for a reason of ours. */
const OWN_RETRY_MS = 10_000;

export type Submitted = { outcome: "created" | "same"; job: JobRecord } | { outcome: "conflict" };

export class CompletionJob extends DurableObject<Env> {
  readonly #settings: JobSettings = jobSettings(this.env);

  /** Stores a new job and starts it; or finds that it is there already. */
  async submit(job: JobRecord): Promise<Submitted> {
    const existing = this.#read();
    if (existing) {
      return existing.payload === job.payload ? { outcome: "same", job: existing } : { outcome: "conflict" };
    }
    this.#write(job);
    // First the alarm: should this end here, it starts the job.
    await this.ctx.storage.setAlarm(Date.now() + this.#settings.stallMs);
    const launched = await this.#launch(job).catch((error) => {
      log("error", "job-launch", { job: job.id, ...describeError(error) });
      return job;
    });
    return { outcome: "created", job: launched };
  }

  view(): JobRecord | null {
    return this.#read() ?? null;
  }

  /** The workflow is about to work, or still works; the answer says whether it is still wanted. */
  begin(): JobRecord | null {
    return this.#change((job) => record.begun(job, Date.now()));
  }

  chunkMade(index: number, made: Maker): JobRecord | null {
    return this.#change((job) => record.withChunk(job, index, made, Date.now()));
  }

  /** The workflow tries again after `trouble`, or works around it (null). */
  stumble(trouble: JobTrouble | null): JobRecord | null {
    return this.#change((job) => record.stumbled(job, trouble));
  }

  succeed(): Promise<JobRecord | null> {
    return this.#end((job) => record.succeeded(job, Date.now()));
  }

  fail(error: JobTrouble): Promise<JobRecord | null> {
    return this.#end((job) => record.failed(job, error, Date.now()));
  }

  cancel(): Promise<JobRecord | null> {
    return this.#end((job) => record.cancelled(job, Date.now()));
  }

  /** Whoever submitted it was never told of it: it is as if it had never been. @param submission its reservation's id */
  async withdraw(submission: string): Promise<void> {
    const job = this.#read();
    if (job?.reservation.id !== submission) return;
    await settleReservation(this.env.METERS, job.reservation, 0);
    await this.#expire(job);
  }

  override async alarm(): Promise<void> {
    const job = this.#read();
    if (!job) return;
    const now = Date.now();
    if (now >= job.expiresAt) return this.#expire(job);
    try {
      if (record.hasEnded(job)) await this.#afterEnd(job);
      else if (now - job.aliveAt >= this.#settings.stallMs) await this.#relaunch(job);
    } catch (error) {
      log("error", "job-alarm", { job: job.id, ...describeError(error) });
      await this.ctx.storage.setAlarm(now + OWN_RETRY_MS);
      return;
    }
    await this.ctx.storage.setAlarm(this.#next(this.#read() ?? job, now));
  }

  #next(job: JobRecord, now: number): number {
    if (!record.hasEnded(job)) return now + this.#settings.stallMs;
    return job.webhook ? job.webhook.nextAt : job.expiresAt;
  }

  /** A workflow of the same name cannot be started twice, so a lost one's successor has a name of its own. */
  async #launch(job: JobRecord): Promise<JobRecord> {
    const launches = job.launches + 1;
    const launched = { ...job, launches, aliveAt: Date.now() };
    this.#write(launched);
    await this.env.COMPLETIONS.create({
      id: launches === 1 ? job.id : `${job.id}-${launches}`,
      params: { jobId: job.id },
    });
    return launched;
  }

  async #relaunch(job: JobRecord): Promise<void> {
    log("warn", "job-stalled", { job: job.id, launches: job.launches });
    if (job.launches < MAX_LAUNCHES) await this.#launch(job);
    else await this.fail({ code: "INTERNAL_SERVER_ERROR", message: "The job was started many times and never ended." });
  }

  async #afterEnd(job: JobRecord): Promise<void> {
    if (!job.reservation.settled) {
      await settleReservation(this.env.METERS, job.reservation, pixelsUsed(job));
      this.#change((current) => ({ ...current, reservation: { ...current.reservation, settled: true } }));
    }
    const { webhook } = this.#read() ?? job;
    if (!webhook || webhook.nextAt > Date.now()) return;
    const attempts = webhook.attempts + 1;
    try {
      const { images } = servicesOf(this.env);
      const policy = { resolver: images.resolver, allowLoopback: images.allowLoopback === true };
      await deliver(job, webhook, await this.#webhookSecrets(webhook.keyId), policy, images.fetch);
      this.#change((current) => ({ ...current, webhook: null }));
    } catch (error) {
      const last = attempts >= MAX_DELIVERIES;
      log("warn", last ? "webhook-given-up" : "webhook-failed", { job: job.id, attempts, ...describeError(error) });
      const nextAt = Date.now() + pauseAfter(attempts, this.#settings.webhookRetryMs);
      this.#change((current) => ({ ...current, webhook: last ? null : { ...webhook, attempts, nextAt } }));
    }
  }

  async #webhookSecrets(keyId: string | null): Promise<string[]> {
    if (keyId !== null) return new KeyStore(this.env.DB).webhookSecrets(keyId, Date.now());
    const { WEBHOOK_SECRET } = this.env as { WEBHOOK_SECRET?: string };
    return WEBHOOK_SECRET ? [WEBHOOK_SECRET] : [];
  }

  async #expire(job: JobRecord): Promise<void> {
    await new JobObjects(this.env.BUCKET).deleteAll(job.id);
    await this.ctx.storage.deleteAll();
  }

  async #end(change: (job: JobRecord) => JobRecord): Promise<JobRecord | null> {
    const before = this.#read();
    const after = this.#change(change);
    if (before && after && !record.hasEnded(before)) await this.ctx.storage.setAlarm(Date.now());
    return after;
  }

  #change(change: (job: JobRecord) => JobRecord): JobRecord | null {
    const job = this.#read();
    if (!job) return null;
    const changed = change(job);
    if (changed !== job) this.#write(changed);
    return changed;
  }

  #read(): JobRecord | undefined {
    return this.ctx.storage.kv.get<JobRecord>(KEY);
  }

  #write(job: JobRecord): void {
    this.ctx.storage.kv.put(KEY, job);
  }
}
