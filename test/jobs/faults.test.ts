/** Storage that fails in the midst of jobs: on the real bindings in workerd, with calls among them that fail. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bearer, issueKey } from "../access/admin.ts";
import { OriginProcess } from "../origin/process.ts";
import { ended, job, picture, submit, submitted } from "./client.ts";
import { pixelsUsed, until } from "./eventually.ts";
import type { Fault } from "./faults/plan.ts";
import { type FaultyWorker, startFaultyWorker } from "./faults/start.ts";

let origin: OriginProcess;
let worker: FaultyWorker;
let headers: Record<string, string>;
beforeAll(async () => {
  origin = await OriginProcess.start();
  worker = await startFaultyWorker({
    vars: {
      ...{ ORIGIN_URLS: origin.url, ENGINE: "kernel" },
      ...{ JOB_RETRIES: "3", JOB_RETRY_SECONDS: "0.2", JOB_STALL_SECONDS: "4" },
    },
  });
  headers = bearer((await issueKey(worker, { scopes: ["JOBS"], pixelsPerMonth: 1_000_000 })).secret);
});
afterAll(async () => {
  await worker?.close();
  await origin?.stop("SIGKILL");
});
afterEach(() => worker.plan());

/** On what may be a slow machine. */
const SLOW = 300_000;
/** Two chunks, one row to generate. */
const submission = {
  image: picture(),
  samples: 20,
  options: { model: "igpt-small", keepRows: 31, seed: 8, execution: "ORIGIN" },
};
const PIXELS = 20 * 32;

it.each<[what: string, ...faults: Fault[]]>([
  ["the bucket takes no chunk for a while", { calls: "BUCKET put .*/chunk-", when: "before", times: 3 }],
  ["the bucket takes chunks and does not say so", { calls: "BUCKET put .*/chunk-", when: "after", times: 3 }],
  ["the bucket does not give the input", { calls: "BUCKET get .*/input-", when: "before", times: 3 }],
  ["the state cannot be reached at the start", { calls: "JOBS begin", when: "before", times: 3 }],
  ["the state does not take a chunk", { calls: "JOBS chunkMade", when: "before", times: 2 }],
  ["the state takes a chunk and does not say so", { calls: "JOBS chunkMade", when: "after", times: 2 }],
  ["the state does not take the end", { calls: "JOBS succeed", when: "before", times: 2 }],
  ["the state takes the end and does not say so", { calls: "JOBS succeed", when: "after", times: 1 }],
  ["no workflow can be started at first", { calls: "COMPLETIONS create", when: "before", times: 1 }],
  ["a workflow is started, and that is not said", { calls: "COMPLETIONS create", when: "after", times: 1 }],
  ["the answer to the submission is lost inside", { calls: "JOBS submit", when: "after", times: 1 }],
  ["the meter takes no settlement at first", { calls: "METERS settle", when: "before", times: 1 }],
  [
    "several of these",
    { calls: "BUCKET put .*/chunk-", when: "after", times: 1 },
    { calls: "JOBS chunkMade", when: "before", times: 1 },
    { calls: "JOBS succeed", when: "after", times: 1 },
  ],
])(
  "%s: the job succeeds, no sample is lost, doubled or another",
  async (_, ...faults) => {
    const undisturbed = await undisturbedSamples();
    const before = await pixelsUsed(worker, headers);
    await worker.plan(...faults);
    const made = rows();
    const id = await submitted(worker, submission, headers);
    const answer = await ended(worker, id, headers);
    expect(answer).toMatchObject({ id, status: "SUCCEEDED", ranOn: "ORIGIN", error: null });
    // Each sample was computed once: only its storing is done again.
    expect(rows() - made).toBe(20);
    expect(answer.samples).toEqual(undisturbed);
    // It is paid for once.
    await until(async () => (await pixelsUsed(worker, headers)) === before + PIXELS);
    expect(await worker.failed()).toHaveLength(faults.reduce((sum, { times }) => sum + times, 0));
  },
  SLOW,
);

describe("what never gets well", () => {
  it(
    "a bucket that takes no chunk: the job fails with a reason that tells nothing of the inside, and costs nothing",
    async () => {
      const before = await pixelsUsed(worker, headers);
      await worker.plan({ calls: "BUCKET put .*/chunk-", when: "before", times: 1_000 });
      const answer = await ended(worker, await submitted(worker, { ...submission, samples: 1 }, headers), headers);
      expect(answer).toMatchObject({ status: "FAILED", samples: [], error: { code: "INTERNAL_SERVER_ERROR" } });
      expect(answer.error?.message).not.toMatch(/BUCKET|fault|chunk/);
      await until(async () => (await pixelsUsed(worker, headers)) === before);
    },
    SLOW,
  );

  it.each(["BUCKET put .*/input-", "JOBS submit"])(
    "a submission that cannot be stored (%s) is refused, costs nothing, and can be repeated",
    async (calls) => {
      const before = await pixelsUsed(worker, headers);
      const mine = { ...submission, image: picture(1), idempotencyKey: calls };
      await worker.plan({ calls, when: "before", times: 1 });
      await expect(submit(worker, mine, headers)).rejects.toThrow("INTERNAL_SERVER_ERROR");
      expect(await worker.failed()).toHaveLength(1);
      await until(async () => (await pixelsUsed(worker, headers)) === before);
      const id = await submitted(worker, mine, headers);
      expect((await ended(worker, id, headers)).status).toBe("SUCCEEDED");
      await until(async () => (await pixelsUsed(worker, headers)) === before + PIXELS);
    },
  );
});

describe("D1", () => {
  it("does not take when a key was last used: its requests and jobs go on", async () => {
    const fresh = bearer((await issueKey(worker, { scopes: ["JOBS"] })).secret);
    await worker.plan({ calls: "DB UPDATE api_keys SET last_used_at", when: "before", times: 2 });
    const id = await submitted(worker, submission, fresh);
    expect((await ended(worker, id, fresh)).status).toBe("SUCCEEDED");
    expect(await worker.failed()).toHaveLength(2);
  });

  it("does not take a new key: the admin is told, and nothing of the key is there", async () => {
    const admin = bearer((await issueKey(worker, { scopes: ["ADMIN"] })).secret);
    const create = 'mutation { createApiKey(input: { name: "half", scopes: [JOBS] }) { secret } }';
    await worker.plan({ calls: "DB batch", when: "before", times: 1 });
    const refused = await worker.ask(create, {}, admin);
    expect(refused.errors[0]?.extensions.code).toBe("INTERNAL_SERVER_ERROR");
    expect(await worker.failed()).toHaveLength(1);
    const names = async () => {
      const { apiKeys } = await worker.data<{ apiKeys: { name: string }[] }>("{ apiKeys { name } }", {}, admin);
      return apiKeys.filter(({ name }) => name === "half").length;
    };
    expect(await names()).toBe(0);
    await worker.data(create, {}, admin);
    expect(await names()).toBe(1);
  });

  it("does not say whose key it is: the request is refused, the job is there when it does again", async () => {
    const id = await submitted(worker, submission, headers);
    await worker.plan({ calls: "DB SELECT", when: "before", times: 1 });
    await expect(job(worker, id, headers)).rejects.toThrow("INTERNAL_SERVER_ERROR");
    expect((await ended(worker, id, headers)).status).toBe("SUCCEEDED");
  });
});

/** Samples that the origin has computed. */
function rows(): number {
  return origin.lines.reduce((sum, { event, rows }) => sum + (event === "infer" ? Number(rows) : 0), 0);
}

let samples: Promise<unknown> | undefined;
/** What the submission gives where nothing fails. */
function undisturbedSamples(): Promise<unknown> {
  samples ??= submitted(worker, submission, headers).then(async (id) => (await ended(worker, id, headers)).samples);
  return samples;
}
