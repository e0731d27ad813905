/** Several origins, each a process of its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { OriginProcess } from "../origin/process.ts";
import { BadProxy } from "./bad-proxy.ts";
import { ended, picture, submitted } from "./client.ts";
import { until } from "./eventually.ts";

describe("two origins", () => {
  let origins: OriginProcess[];
  let proxies: BadProxy[];
  let worker: TestWorker;
  const options = { model: "igpt-small", keepRows: 31, seed: 21, execution: "ORIGIN" };
  /** Rows of the inferences that each origin has finished. */
  const rows = () =>
    origins.map(({ lines }) => lines.reduce((sum, line) => sum + (line.event === "infer" ? Number(line.rows) : 0), 0));
  const ask = () =>
    worker.ask<{ complete: { ranOn: string } }>(
      "query ($image: ImageInput!, $options: CompleteOptions) { complete(image: $image, options: $options) { ranOn } }",
      { image: picture(), options },
    );

  beforeAll(async () => {
    origins = [await OriginProcess.start(["--threads", "1"]), await OriginProcess.start(["--threads", "1"])];
    proxies = await Promise.all(origins.map(({ url }) => BadProxy.start(url)));
    worker = await startWorker({
      vars: {
        ...{ ORIGIN_URLS: proxies.map(({ url }) => url).join(", "), ENGINE: "kernel", ORIGIN_WAIT_SECONDS: "60" },
        ...{ JOB_RETRIES: "6", JOB_RETRY_SECONDS: "0.5", JOB_STALL_SECONDS: "9" },
      },
    });
  });
  afterAll(async () => {
    await worker?.close();
    for (const proxy of proxies ?? []) await proxy.stop();
    for (const origin of origins ?? []) await origin.stop("SIGKILL");
  });
  beforeEach(() => {
    for (const proxy of proxies) proxy.always = "nothing";
  });

  it("carry out one job's chunks at the same time; when one dies in the midst, the other does its share", async () => {
    const [first, second] = proxies as [BadProxy, BadProxy];
    const job = { image: picture(2), samples: 64, options };
    const undisturbed = await ended(worker, await submitted(worker, job));
    const before = rows();

    for (const proxy of proxies) proxy.always = "held";
    const id = await submitted(worker, job);
    await until(() => first.held + second.held === 4);
    // Nothing has been answered yet: these four run at once.
    expect([first.held, second.held]).toEqual([2, 2]);
    await origins[1]?.stop("SIGKILL");
    for (const proxy of proxies) proxy.always = "nothing";
    first.release();
    second.release();

    const answer = await ended(worker, id);
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: "kernel" });
    expect(answer.samples.map(({ index }) => index)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(answer.samples).toEqual(undisturbed.samples);
    // Each sample was made once.
    expect(rows()).toEqual([(before[0] ?? 0) + 64, before[1]]);
    expect(undisturbed.samples.map(({ index }) => index)).toEqual(answer.samples.map(({ index }) => index));
  });

  it("one that is down is left alone, and used again once it is well", async () => {
    const [, down] = proxies as [BadProxy, BadProxy];
    // Every request is served all the while, also those that find out.
    for (let i = 0; i < 8; i++) expect((await ask()).data?.complete.ranOn).toBe("ORIGIN");
    const calls = down.calls;
    await origins[1]?.start();
    await until(async () => {
      expect((await Promise.all([ask(), ask()])).map(({ errors }) => errors)).toEqual([[], []]);
      return down.calls > calls && (rows()[1] ?? 0) > 64;
    });
  });

  it("a busy one's work goes to the other", async () => {
    const [busy, free] = proxies as [BadProxy, BadProxy];
    busy.always = "status 503";
    const calls = free.calls;
    const answer = await ended(worker, await submitted(worker, { image: picture(3), samples: 32, options }));
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN" });
    expect(free.calls).toBeGreaterThanOrEqual(calls + 2);
  });
});
