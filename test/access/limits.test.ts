import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "../worker/pictures.ts";
import { bearer, issueKey } from "./admin.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

const COMPLETE = `query ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) { seed } }`;
const USAGE = "{ viewer { usage { pixelsThisMonth pixelsPerMonth requestsThisMinute requestsPerMinute } } }";
/** One row to generate. */
const ROW = { image: photo, options: { keepRows: 31 } };

async function usage(secret: string) {
  const { viewer } = await worker.data<{ viewer: { usage: Record<string, number> } }>(USAGE, {}, bearer(secret));
  return viewer.usage;
}

/** Asks again until it holds: some settlements come after the response. */
async function eventually(check: () => Promise<void>): Promise<void> {
  await expect.poll(() => check().then(() => "holds", String)).toBe("holds");
}

describe("requests a minute", () => {
  it("grants exactly the limit to 200 requests at once", async () => {
    const { secret } = await issueKey(worker, { requestsPerMinute: 37 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => worker.ask("{ models { id } }", {}, bearer(secret))),
    );
    const granted = answers.filter(({ errors }) => errors.length === 0);
    const refused = answers.filter(({ errors }) => errors[0]?.extensions.code === "RATE_LIMITED");
    expect([granted.length, refused.length]).toEqual([37, 163]);
    for (const { status, headers } of refused) {
      expect(status).toBe(429);
      expect(headers.get("ratelimit-policy")).toBe('"requests";q=37;w=60');
      expect(headers.get("ratelimit")).toMatch(/^"requests";r=0;t=\d+$/);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    const remaining = granted.map(({ headers }) => Number(/r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]));
    expect(remaining.sort((a, b) => a - b)).toEqual(Array.from({ length: 37 }, (_, i) => i));
    // Asking for what is left is free, also when nothing is.
    expect(await usage(secret)).toMatchObject({ requestsThisMinute: 37, requestsPerMinute: 37 });
  });

  it("does not count what is refused before it runs", async () => {
    const { secret } = await issueKey(worker, { requestsPerMinute: 2 });
    await worker.ask("{ nothingSuch }", {}, bearer(secret));
    await worker.ask("{ apiKeys { id } }", {}, bearer(secret));
    expect(await usage(secret)).toMatchObject({ requestsThisMinute: 0 });
  });
});

describe("pixels a month", () => {
  it("are never granted beyond the limit, however many ask at once", async () => {
    const { secret } = await issueKey(worker, { pixelsPerMonth: 100 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => worker.ask(COMPLETE, ROW, bearer(secret))));
    const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? "granted").sort();
    // Of 100 pixels, three rows of 32 fit. On a slow machine one of those may wait too long for memory: it is refunded.
    expect(codes.filter((code) => code === "QUOTA_EXCEEDED")).toHaveLength(5);
    const granted = codes.filter((code) => code === "granted").length;
    expect(granted + codes.filter((code) => code === "BUSY").length).toBe(3);
    const refused = answers.find(({ errors }) => errors[0]?.extensions.code === "QUOTA_EXCEEDED");
    expect(refused?.errors[0]?.message).toMatch(/try again in \d+ seconds/);
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused?.headers.get("ratelimit-policy")).toContain('"pixels";q=100;w=');
    await eventually(async () =>
      expect(await usage(secret)).toMatchObject({ pixelsThisMonth: 32 * granted, pixelsPerMonth: 100 }),
    );
  });

  it("are given back when the work fails", async () => {
    const { secret } = await issueKey(worker, { pixelsPerMonth: 1000 });
    const bad = { image: { base64: Buffer.from("no picture at all").toString("base64") }, options: { keepRows: 10 } };
    const { errors } = await worker.ask(COMPLETE, bad, bearer(secret));
    expect(errors[0]?.extensions.code).toMatch(/IMAGE/);
    await eventually(async () => expect(await usage(secret)).toMatchObject({ pixelsThisMonth: 0 }));
    // A whole picture more than is left, were the refund not made.
    expect((await worker.ask(COMPLETE, { ...ROW, samples: 31 }, bearer(secret))).errors[0]?.extensions.code).not.toBe(
      "QUOTA_EXCEEDED",
    );
  });

  it("are charged for what succeeded alone, and what failed beside it takes nothing away", async () => {
    const { secret } = await issueKey(worker, { pixelsPerMonth: 1000 });
    const answer = await worker.ask<{ a: object; b: null; c: object; d: null }>(
      `query ($image: ImageInput!, $broken: ImageInput!) {
        a: complete(image: $image, options: { keepRows: 31 }) { seed }
        b: complete(image: $broken, options: { keepRows: 10 }) { seed }
        c: embed(image: $image) { layer }
        d: likelihood(image: $broken) { nllPerPixel }
      }`,
      { image: photo, broken: { base64: "AAAA" } },
      bearer(secret),
    );
    expect(answer.errors.map(({ path }) => path?.join()).sort()).toEqual(["b", "d"]);
    expect(answer.data).toMatchObject({ a: { seed: expect.any(Number) }, b: null, c: expect.anything(), d: null });
    await eventually(async () => expect(await usage(secret)).toMatchObject({ pixelsThisMonth: 32 }));
  });

  it("count each alias", async () => {
    const { secret } = await issueKey(worker);
    const today = () => new Date().toISOString().slice(0, 10);
    const begun = today();
    const field = "complete(image: $image, options: { keepRows: 31 }) { seed }";
    await worker.data(`query ($image: ImageInput!) { a: ${field} b: ${field} }`, { image: photo }, bearer(secret));
    await eventually(async () =>
      expect(await usage(secret)).toMatchObject({ pixelsThisMonth: 64, requestsThisMinute: 1 }),
    );
    const { viewer } = await worker.data<{ viewer: { usageByDay: object[] } }>(
      "{ viewer { usageByDay(days: 1) { day requests pixels } } }",
      {},
      bearer(secret),
    );
    // Unless it was midnight (UTC) meanwhile.
    if (begun === today()) expect(viewer.usageByDay).toEqual([{ day: begun, requests: 1, pixels: 64 }]);
  });

  it("of a stream are those of the rows that were made", async () => {
    const { secret } = await issueKey(worker);
    const controller = new AbortController();
    const response = await worker.request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...bearer(secret) },
      body: JSON.stringify({
        // Eight whole pictures: whoever reads of the second row has time to leave before the last.
        query: `subscription ($image: ImageInput!) { complete(image: $image, samples: 8, options: { keepRows: 0 }) { rowsDone } }`,
        variables: { image: photo },
      }),
      signal: controller.signal,
    });
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('"rowsDone":2')) break;
    }
    controller.abort();
    await eventually(async () => {
      const { pixelsThisMonth = 0 } = await usage(secret);
      expect(pixelsThisMonth).toBeGreaterThanOrEqual(8 * 64);
      expect(pixelsThisMonth).toBeLessThan(8 * 1024);
    });
  });
});
