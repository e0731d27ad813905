import { beforeAll, expect, it } from "vitest";
import { issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { printed, run, script } from "./run.ts";

const PICTURE = "web/pictures/chelsea.jpg";

let worker: SharedWorker;
let env: Record<string, string>;
beforeAll(async () => {
  worker = await sharedWorker("closed");
  const { secret } = await issueKey(worker);
  env = { IGPT_ENDPOINT: new URL("/graphql", worker.url).href, IGPT_KEY: secret };
});

async function expectPictures(text: string, count: number): Promise<void> {
  const urls = text.match(/http:\S+?\/thumbnails\/[^"\s]+/g) ?? [];
  expect(urls).toHaveLength(count);
  for (const url of urls) {
    const response = await fetch(url);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/png"]);
  }
}

it("curl: a completion", async () => {
  const text = await printed(["examples/curl/complete.sh", PICTURE], env);
  const { data } = JSON.parse(text) as { data: { complete: { seed: number; samples: { nllPerPixel: number }[] } } };
  expect(data.complete.seed).toBe(1);
  for (const { nllPerPixel } of data.complete.samples) expect(nllPerPixel).toBeGreaterThan(0);
  await expectPictures(text, 2);
});

it("curl: a file's embedding", async () => {
  const text = await printed(["examples/curl/upload.sh", PICTURE], env);
  const { data } = JSON.parse(text) as { data: { embed: { dimensions: number; vector: number[] } } };
  expect(data.embed.vector).toHaveLength(data.embed.dimensions);
  expect(new Set(data.embed.vector).size).toBeGreaterThan(100);
});

it("fetch: four completions", async () => {
  const text = await printed(script("examples/fetch/complete.ts", PICTURE), env);
  expect(text).toMatch(/^seed -?\d+\n(\d+\.\d{3} http.+\n){4}$/);
  await expectPictures(text, 4);
});

it("fetch: an error is told with its code", async () => {
  const { code, stderr } = await run(script("examples/fetch/complete.ts", PICTURE), { ...env, IGPT_KEY: undefined });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^UNAUTHENTICATED: /)]);
});

it("server-sent events: rows as they are drawn, then the pictures", async () => {
  const text = await printed(script("examples/sse/watch.ts", PICTURE), env);
  const rows = [...text.matchAll(/^(\d+) of 8 rows$/gm)].map(([, done]) => Number(done));
  expect(rows).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 8]);
  await expectPictures(text, 2);
});
