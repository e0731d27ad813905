import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { OriginProcess } from "../origin/process.ts";
import { BadProxy, type Harm } from "./bad-proxy.ts";
import { ended, type JobAnswer, job, picture, status, submit, submitted } from "./client.ts";

const COMPLETE = `query ($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) { ranOn engine samples { index nllPerPixel image { tokens } } }
}`;
const PROGRESS = `subscription ($id: ID!) { completionProgress(id: $id) {
  status rowsDone rowsTotal retrying { code message } samples { index tokens } completion { status samples { index } }
} }`;
type Complete = { complete: Pick<JobAnswer, "ranOn" | "engine" | "samples"> };
const options = { model: "igpt-small", keepRows: 30, seed: 5 };

describe("jobs with an origin", () => {
  let origin: OriginProcess;
  let proxy: BadProxy;
  let worker: TestWorker;
  const complete = (samples: number, execution: string, image = picture()) =>
    worker.ask<Complete>(COMPLETE, { image, samples, options: { ...options, execution } });
  /** Nothing is broken any more, and the breaker's pause is over. */
  const recovered = async () => {
    proxy.always = "nothing";
    const asked = async () => (await complete(2, "ORIGIN")).data?.complete.ranOn;
    await expect.poll(asked, { interval: 500, timeout: 60_000 }).toBe("ORIGIN");
  };

  beforeAll(async () => {
    origin = await OriginProcess.start();
    proxy = await BadProxy.start(origin.url);
    worker = await startWorker({
      vars: {
        ...{ ORIGIN_URLS: proxy.url, ENGINE: "kernel", FLOOD_GUARD: "off", ORIGIN_WAIT_SECONDS: "15" },
        ...{ JOB_RETRIES: "4", JOB_RETRY_SECONDS: "0.25", JOB_STALL_SECONDS: "6" },
      },
    });
  });
  afterAll(async () => {
    await worker.close();
    await proxy.stop();
    await origin.stop("SIGKILL");
  });

  it("edge and origin give the same samples", async () => {
    const [edge, remote] = [await complete(3, "EDGE"), await complete(3, "ORIGIN")];
    expect(edge.data?.complete).toMatchObject({ ranOn: "EDGE", engine: "kernel" });
    expect(remote.data?.complete).toMatchObject({ ranOn: "ORIGIN", engine: "kernel" });
    expect(remote.data?.complete.samples).toEqual(edge.data?.complete.samples);
  });

  it("AUTO takes to the origin what the edge does not run", async () => {
    expect((await complete(1, "AUTO")).data?.complete.ranOn).toBe("EDGE");
    const many = await complete(20, "AUTO");
    expect(many.data?.complete.ranOn).toBe("ORIGIN");
    expect(many.data?.complete.samples).toHaveLength(20);
    expect((await complete(20, "EDGE")).errors[0]?.extensions.code).toBe("JOB_TOO_LARGE");
  });

  it("a job's chunks are merged in order, and are the samples that one request gives", async () => {
    const answer = await ended(worker, await submitted(worker, { image: picture(), samples: 40, options }));
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: "kernel", seed: 5, error: null });
    expect(answer.samples.map(({ index }) => index)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    const few = (await complete(3, "EDGE")).data?.complete.samples;
    expect(answer.samples.slice(0, 3)).toEqual(few);
  });

  it("the same idempotency key gives the same job, and another payload is told so", async () => {
    const one = { image: picture(1), samples: 2, options, idempotencyKey: "key" };
    const ids = await Promise.all(Array.from({ length: 5 }, () => submitted(worker, one)));
    expect(new Set(ids).size).toBe(1);
    for (const other of [{ samples: 3 }, { image: picture(2) }, { options: { ...options, seed: 6 } }]) {
      const { completion, userErrors } = await submit(worker, { ...one, ...other });
      expect(completion).toBeNull();
      expect(userErrors).toMatchObject([{ code: "IDEMPOTENCY_CONFLICT", path: ["idempotencyKey"] }]);
    }
    expect((await ended(worker, ids[0] as string)).samples).toHaveLength(2);
    // What was drawn for a submission is no part of it.
    const drawn = { image: picture(1), samples: 1, options: { keepRows: 31 }, idempotencyKey: "seedless" };
    expect(await submitted(worker, drawn)).toBe(await submitted(worker, drawn));
  });

  it.each<[string, string, Parameters<typeof submit>[1]]>([
    ["BAD_OPTION", "options", { image: picture(), samples: 257 }],
    ["BAD_OPTION", "options", { image: picture(), options: { keepRows: 32 } }],
    ["BAD_IMAGE", "image", { image: { base64: "AAAA" } }],
    ["MODEL_NOT_FOUND", "options", { image: picture(), options: { model: "other" } }],
    ["JOB_TOO_LARGE", "samples", { image: picture(), samples: 64, options: { execution: "EDGE" } }],
    ["BAD_OPTION", "idempotencyKey", { image: picture(), idempotencyKey: "" }],
    ["BAD_OPTION", "webhookUrl", { image: picture(), webhookUrl: "https://1.1.1.1/hook" }],
    // Also without a key, which it would need besides.
    ["URL_REFUSED", "webhookUrl", { image: picture(), webhookUrl: "https://169.254.169.254/hook" }],
  ])("input that is wrong is in userErrors: %s at %s", async (code, place, variables) => {
    const { completion, userErrors } = await submit(worker, variables);
    expect(completion).toBeNull();
    expect(userErrors).toMatchObject([{ code }]);
    expect(userErrors[0]?.path?.[0]).toBe(place);
  });

  it("what is not there is null, or NOT_FOUND where it cannot be", async () => {
    for (const id of ["", "job_1", `job_${"0".repeat(32)}`, "x".repeat(3000)]) expect(await job(worker, id)).toBeNull();
    const cancel = `mutation { cancelCompletion(id: "job_${"0".repeat(32)}") { id } }`;
    expect((await worker.ask(cancel)).errors[0]?.extensions.code).toBe("NOT_FOUND");
  });

  it("progress is streamed until the end", async () => {
    const id = await submitted(worker, { image: picture(3), samples: 32, options });
    const events = await watch(worker, id);
    expect(events.at(-1)).toMatchObject({
      status: "SUCCEEDED",
      rowsDone: 2,
      rowsTotal: 2,
      completion: { status: "SUCCEEDED" },
    });
    expect(events.at(-1)?.samples.every(({ tokens }) => tokens.every((token) => token >= 0))).toBe(true);
    expect(events[0]?.samples).toHaveLength(32);
    const dones = events.map(({ rowsDone }) => rowsDone);
    expect(dones).toEqual([...dones].sort((a, b) => a - b));
  });

  const passing: Harm[] = [
    "status 500",
    "status 503",
    "status 401",
    "status 404",
    "redirect",
    "hangs up",
    "truncated",
    "garbage",
    "wrong shape",
    "wrong version",
    "colour out of palette",
  ];
  it.each(passing)("an origin that once does this is asked again: %s", async (harm) => {
    proxy.harms = [harm];
    const { calls } = proxy;
    const answer = await ended(
      worker,
      await submitted(worker, { image: picture(4), samples: 2, options: { ...options, execution: "ORIGIN" } }),
    );
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: "kernel" });
    expect(answer.samples.map(({ index }) => index)).toEqual([0, 1]);
    expect(proxy.harms).toEqual([]);
    expect(proxy.calls).toBeGreaterThan(calls + 1);
  });

  it("a request does not wait for a slow origin: the edge does it where it may, else the caller is told of jobs", async () => {
    proxy.harms = ["slow"];
    const { errors } = await complete(2, "ORIGIN");
    expect(errors[0]?.extensions.code).toBe("ORIGIN_UNAVAILABLE");
    expect(errors[0]?.message).toContain("submitCompletion");
  });

  it("an origin that never recovers: the edge takes over and says so, or the job fails with the reason", async () => {
    proxy.always = "status 500";
    const [auto, strict] = await Promise.all([
      submitted(worker, { image: picture(5), samples: 20, options }),
      submitted(worker, { image: picture(5), samples: 20, options: { ...options, execution: "ORIGIN" } }),
    ]);
    const [taken, failed] = [await ended(worker, auto), await ended(worker, strict)];
    expect(taken).toMatchObject({ status: "SUCCEEDED", ranOn: "EDGE", engine: "kernel" });
    expect(failed).toMatchObject({ status: "FAILED", samples: [], error: { code: "ORIGIN_UNAVAILABLE" } });
    await recovered();
    const sound = await ended(worker, await submitted(worker, { image: picture(5), samples: 20, options }));
    expect(sound.ranOn).toBe("ORIGIN");
    expect(taken.samples).toEqual(sound.samples);
  });

  describe.each(["status 400", "status 422"] as const)("an origin that calls the request wrong (%s)", (harm) => {
    const strict = { ...options, execution: "ORIGIN" };
    const told = {
      code: "ORIGIN_UNAVAILABLE",
      message: expect.stringMatching(/does not fit.* igpt-small, version \d+.*will not help.*operator/),
    };

    it("is not asked again for a job, which fails and says whom to turn to, or is done at the edge", async () => {
      proxy.always = harm;
      const { calls } = proxy;
      const failed = await ended(worker, await submitted(worker, { image: picture(9), samples: 2, options: strict }));
      expect(failed).toMatchObject({ status: "FAILED", samples: [], error: told });
      expect(failed.error?.message).not.toMatch(/later|127\.0\.0\.1|so it is/);
      expect(proxy.calls).toBe(calls + 1);
      // Two chunks: one call each, then the edge.
      const taken = await ended(worker, await submitted(worker, { image: picture(9), samples: 20, options }));
      expect(taken).toMatchObject({ status: "SUCCEEDED", ranOn: "EDGE", engine: "kernel" });
      expect(proxy.calls).toBe(calls + 3);
    });

    it("is told of in a query, and is no reason to leave it alone for other models", async () => {
      proxy.always = harm;
      for (let i = 0; i < 4; i++) {
        const { errors } = await complete(2, "ORIGIN");
        expect(errors[0]).toMatchObject({ message: told.message, extensions: { code: told.code } });
      }
      proxy.always = "nothing";
      expect((await complete(2, "ORIGIN")).data?.complete.ranOn).toBe("ORIGIN");
    });
  });

  it("a job that an origin keeps waiting says why, and no more once it gets on", async () => {
    proxy.always = "status 500";
    const chosen = { ...options, execution: "ORIGIN" };
    const id = await submitted(worker, { image: picture(8), samples: 2, options: chosen });
    const trouble = { code: "ORIGIN_UNAVAILABLE", message: expect.stringContaining("the origin reported an error") };
    const whole = watch(worker, id);
    await expect.poll(() => retrying(worker, id), { interval: 100, timeout: 60_000 }).toMatchObject(trouble);
    proxy.always = "nothing";
    const events = await whole;
    expect(events.map((event) => event.retrying)).toContainEqual(trouble);
    expect(events.at(-1)).toMatchObject({ status: "SUCCEEDED", retrying: null });
    expect(await retrying(worker, id)).toBeNull();
    await recovered();
  });

  it("a dead origin is left alone after a few faults", async () => {
    proxy.always = "hangs up";
    for (let i = 0; i < 2; i++) await complete(2, "ORIGIN");
    const begun = Date.now();
    await complete(2, "ORIGIN");
    const before = proxy.calls;
    for (let i = 0; i < 5; i++) {
      expect((await complete(2, "ORIGIN")).errors[0]?.extensions.code).toBe("ORIGIN_UNAVAILABLE");
    }
    // After each pause of 2 s one request may try: on a machine so slow that there was one.
    expect(proxy.calls - before).toBeLessThanOrEqual(Math.floor((Date.now() - begun) / 2_000));
    await recovered();
  });

  it("a killed origin's job goes on when it is back", async () => {
    const id = await submitted(worker, {
      image: picture(6),
      samples: 64,
      options: { model: "igpt-small", keepRows: 16, seed: 1, execution: "ORIGIN" },
    });
    await until(() => status(worker, id), "RUNNING");
    await origin.stop("SIGKILL");
    await origin.start();
    const answer = await ended(worker, id);
    expect(answer.status).toBe("SUCCEEDED");
    expect(answer.samples.map(({ index }) => index)).toEqual(Array.from({ length: 64 }, (_, i) => i));
  });

  it("a cancelled job stops, keeps that state, and is no trouble twice", async () => {
    const before = proxy.calls;
    const id = await submitted(worker, {
      image: picture(7),
      samples: 256,
      options: { model: "igpt-small", keepRows: 0, execution: "ORIGIN" },
    });
    const cancel = () =>
      worker.data<{ cancelCompletion: { status: string } }>(`mutation { cancelCompletion(id: "${id}") { status } }`);
    expect((await cancel()).cancelCompletion.status).toBe("CANCELLED");
    expect((await cancel()).cancelCompletion.status).toBe("CANCELLED");
    expect((await watch(worker, id)).at(-1)).toMatchObject({ status: "CANCELLED", completion: { samples: [] } });
    // What is under way may end; the sixteen parts of the whole job are not asked for.
    let calls: number;
    do {
      calls = proxy.calls;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    } while (proxy.calls > calls);
    expect(calls - before).toBeLessThan(16);
  });
});

type Trouble = { code: string; message: string };

interface ProgressEvent {
  status: string;
  rowsDone: number;
  rowsTotal: number;
  retrying: Trouble | null;
  samples: { index: number; tokens: number[] }[];
  completion: { status: string; samples: unknown[] } | null;
}

/** All events of a job, as a client of server-sent events reads them. */
async function watch(worker: TestWorker, id: string): Promise<ProgressEvent[]> {
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query: PROGRESS, variables: { id } }),
  });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return lines.map((line) => {
    const event = JSON.parse(line.slice(6)) as { data?: { completionProgress: ProgressEvent }; errors?: unknown };
    if (!event.data) throw new Error(line);
    return event.data.completionProgress;
  });
}

async function retrying(worker: TestWorker, id: string): Promise<Trouble | null> {
  const query = "query ($id: ID!) { completion(id: $id) { retrying { code message } } }";
  const { completion } = await worker.data<{ completion: { retrying: Trouble | null } | null }>(query, { id });
  if (!completion) throw new Error(`job ${id} is gone`);
  return completion.retrying;
}

async function until(look: () => Promise<string>, wanted: string): Promise<void> {
  while ((await look()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 50));
}
