/** What a job's end brings: its quota is settled, and after its time it is gone. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bearer, issueKey } from "../access/admin.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { OriginProcess } from "../origin/process.ts";
import { BadProxy } from "./bad-proxy.ts";
import { ended, job, picture, status, submit, submitted } from "./client.ts";
import { pixelsUsed, until } from "./eventually.ts";

/** One row of 32 pixels a sample. */
const options = { model: "igpt-small", keepRows: 31, seed: 2, execution: "ORIGIN" };

describe("a job's pixels", () => {
  const LIMIT = 1_500;
  let origin: OriginProcess;
  let proxy: BadProxy;
  let worker: TestWorker;
  let headers: Record<string, string>;
  const used = () => pixelsUsed(worker, headers);
  const cancel = (id: string) =>
    worker.data(`mutation { cancelCompletion(id: "${id}") { status } }`, undefined, headers);

  beforeAll(async () => {
    origin = await OriginProcess.start();
    proxy = await BadProxy.start(origin.url);
    worker = await startWorker({
      vars: {
        ...{ ORIGIN_URLS: proxy.url, ENGINE: "kernel" },
        ...{ JOB_RETRIES: "1", JOB_RETRY_SECONDS: "0.1", JOB_STALL_SECONDS: "600" },
      },
    });
    headers = bearer((await issueKey(worker, { scopes: ["JOBS"], pixelsPerMonth: LIMIT })).secret);
  });
  afterAll(async () => {
    await worker?.close();
    await proxy?.stop();
    await origin?.stop("SIGKILL");
  });
  afterEach(() => {
    proxy.always = "nothing";
    proxy.release();
  });

  it("are set aside while it runs, so that no more is accepted than there is, and paid for at its end", async () => {
    proxy.always = "held";
    const id = await submitted(worker, { image: picture(), samples: 20, options }, headers);
    expect(await used()).toBe(640);
    await expect(submit(worker, { image: picture(), samples: 30, options }, headers)).rejects.toThrow("QUOTA_EXCEEDED");
    expect(await used()).toBe(640);
    await until(() => proxy.held === 2);
    proxy.release();
    expect((await ended(worker, id, headers)).status).toBe("SUCCEEDED");
    await until(async () => (await used()) === 640);
  });

  it("are given back when it is cancelled, but for what was made", async () => {
    const before = await used();
    proxy.always = "held";
    const id = await submitted(worker, { image: picture(1), samples: 20, options }, headers);
    await until(() => proxy.held === 2);
    proxy.release(1);
    // The first of two chunks of ten is stored.
    await until(async () => (await worker.env.BUCKET.list({ prefix: `jobs/${id}/chunk-` })).objects.length === 1);
    await until(async () => (await samplesDone(worker, id, headers)) === 10);
    expect(await used()).toBe(before + 640);
    await cancel(id);
    await until(async () => (await used()) === before + 320);
    // The other chunk comes too late.
    proxy.release();
    expect(await status(worker, id, headers)).toBe("CANCELLED");
    expect(await used()).toBe(before + 320);
    // What is paid for is there.
    const paid = (await job(worker, id, headers))?.samples.map(({ index }) => index);
    expect(paid).toHaveLength(10);
    expect([0, 10]).toContain(paid?.[0]);
  });

  it("are given back when it is cancelled before it has begun, and when it fails", async () => {
    const before = await used();
    proxy.always = "held";
    const id = await submitted(worker, { image: picture(2), samples: 16, options }, headers);
    await cancel(id);
    await until(async () => (await used()) === before);
    proxy.always = "status 401";
    proxy.release();
    const failed = await ended(
      worker,
      await submitted(worker, { image: picture(3), samples: 16, options }, headers),
      headers,
    );
    expect(failed).toMatchObject({ status: "FAILED", error: { code: "ORIGIN_UNAVAILABLE" } });
    await until(async () => (await used()) === before);
  });

  it("are not counted again for a repeated submission", async () => {
    const before = await used();
    const again = { image: picture(), samples: 2, options, idempotencyKey: "again" };
    const id = await submitted(worker, again, headers);
    expect(await submitted(worker, again, headers)).toBe(id);
    await ended(worker, id, headers);
    expect(await submitted(worker, again, headers)).toBe(id);
    await until(async () => (await used()) === before + 64);
  });
});

describe("a job's time", () => {
  let worker: TestWorker;
  beforeAll(async () => {
    // 10 seconds, which begin at a job's end.
    worker = await startWorker({ vars: { ENGINE: "kernel", JOB_KEEP_DAYS: String(10 / 86_400) } });
  });
  afterAll(() => worker?.close());

  it("over, it is gone with all that was stored for it, and its idempotency key is free", async () => {
    const submission = { image: picture(), samples: 2, options: { keepRows: 31, seed: 1 }, idempotencyKey: "once" };
    const id = await submitted(worker, submission);
    expect((await ended(worker, id)).samples).toHaveLength(2);
    await until(async () => (await job(worker, id)) === null);
    expect((await worker.env.BUCKET.list({ prefix: `jobs/${id}/` })).objects).toEqual([]);
    const gone = await worker.ask(`mutation { cancelCompletion(id: "${id}") { id } }`);
    expect(gone.errors[0]?.extensions.code).toBe("NOT_FOUND");
    expect((await submit(worker, { ...submission, samples: 1 })).userErrors).toEqual([]);
  });
});

/** By the progress, whose pictures of stored chunks are whole. */
async function samplesDone(worker: TestWorker, id: string, headers: Record<string, string>): Promise<number> {
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
    body: JSON.stringify({ query: `subscription { completionProgress(id: "${id}") { samples { tokens } } }` }),
  });
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    const data = /^data: (.+)\n/m.exec(text)?.[1];
    if (!data) continue;
    type Event = { data: { completionProgress: { samples: { tokens: number[] }[] } } };
    const { samples } = (JSON.parse(data) as Event).data.completionProgress;
    return samples.filter(({ tokens }) => tokens.every((token) => token >= 0)).length;
  }
  throw new Error("no progress was sent");
}
