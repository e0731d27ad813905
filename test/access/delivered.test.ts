/** Only what reaches the caller is charged: on the real bindings in workerd, with calls among them that fail. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ended, picture, submitted } from "../jobs/client.ts";
import { pixelsUsed } from "../jobs/eventually.ts";
import { type FaultyWorker, startFaultyWorker } from "../jobs/faults/start.ts";
import { bearer, issueKey } from "./admin.ts";

let worker: FaultyWorker;
let headers: Record<string, string>;
/** Each test its own key, which has used nothing. */
async function newKey(pixelsPerMonth = 10_000): Promise<void> {
  headers = bearer((await issueKey(worker, { scopes: ["COMPLETE", "EMBED", "JOBS"], pixelsPerMonth })).secret);
}
const charged = (pixels: number) => expect.poll(() => pixelsUsed(worker, headers)).toBe(pixels);
const ask = <T>(query: string, variables: Record<string, unknown> = {}) =>
  worker.ask<T>(query, { image: picture(), ...variables }, headers);

beforeAll(async () => {
  worker = await startFaultyWorker({ vars: { ENGINE: "kernel" } });
});
afterAll(() => worker?.close());
afterEach(() => worker.plan());

/** One row, 32 pixels. A picture that was stored before is not stored again: each seed draws another. */
const row = (seed: number) => `image: $image, options: { model: "igpt-small", keepRows: 31, seed: ${seed} }`;
const ROW = row(3);
const storing = { calls: "BUCKET put images/", when: "before" } as const;

describe("a picture that cannot be stored", () => {
  it("is stored a little later, and nothing is lost", async () => {
    await newKey();
    await worker.plan({ ...storing, times: 2 });
    const query = `query ($image: ImageInput!) { complete(${ROW}) { samples { image { url } } } }`;
    const { errors, data } = await ask<{ complete: { samples: { image: { url: string } }[] } }>(query);
    expect(errors).toEqual([]);
    const url = new URL(data?.complete.samples[0]?.image.url ?? "");
    expect((await worker.request(url.pathname)).status).toBe(200);
    expect(await worker.failed()).toHaveLength(2);
    await charged(32);
  });

  it("is not charged, nor is what is there beside it taken away", async () => {
    await newKey();
    await worker.plan({ ...storing, times: 1_000 });
    const { errors, data } = await ask(`query ($image: ImageInput!) {
      a: complete(${row(4)}) { seed samples { image { tokens } } }
      b: complete(${row(4)}) { seed samples { image { tokens url } } } }`);
    expect(errors).toMatchObject([{ extensions: { code: "INTERNAL_SERVER_ERROR" } }]);
    expect(errors[0]?.path?.slice(0, 2)).toEqual(["b", "samples"]);
    expect(data).toMatchObject({ a: { seed: 4 }, b: null });
    await charged(32);
  });

  it("is not charged at a stream's end either", async () => {
    await newKey();
    const query = `subscription ($image: ImageInput!) { complete(${row(5)}) { status completion { samples { image { url } } } } }`;
    await worker.plan({ ...storing, times: 1_000 });
    expect(await stream(query)).toMatchObject({ status: "SUCCEEDED", completion: null });
    await charged(0);
    await worker.plan();
    expect(await stream(query)).toMatchObject({ status: "SUCCEEDED", completion: { samples: [{}] } });
    await charged(32);
  });
});

describe("a width that there is not", () => {
  // No picture at all: whoever read it first would say so.
  const image = { base64: "AAAA" };
  it.each([
    ["url", `query ($image: ImageInput!) { complete(${ROW}) { samples { image { url(width: 33) } } } }`],
    ["dataUri", `query ($image: ImageInput!) { complete(${ROW}) { input { dataUri(width: 0) } } }`],
    [
      "in a fragment, by a variable",
      `query ($image: ImageInput!, $width: Int = 100) { complete(${ROW}) { ...f } }
       fragment f on Completion { samples { ... on Sample { image { url(width: $width) } } } }`,
    ],
    ["of a stream", `subscription ($image: ImageInput!) { complete(${ROW}) { samples { dataUri(width: 5) } } }`],
  ])("is refused before anything is computed: %s", async (_, query) => {
    await newKey();
    const { errors } = await ask(query, { image });
    expect(errors).toMatchObject([{ path: ["complete"], extensions: { code: "BAD_OPTION" } }]);
    expect(errors[0]?.message).toMatch(/width must be one of 32, 64/);
    await charged(0);
  });

  it("matters only where it is asked for", async () => {
    await newKey();
    const query = `query ($image: ImageInput!, $small: Boolean = false) { complete(${ROW}) {
      samples { image { dataUri(width: 1) @include(if: $small) ... on Image @skip(if: true) { url(width: 2) } thumbhash } } } }`;
    expect((await ask(query)).errors).toEqual([]);
    await charged(32);
  });
});

describe("an answer of which nothing is left, because a field beside failed", () => {
  it("is not charged", async () => {
    await newKey();
    await worker.plan({ calls: "METERS usage", when: "before", times: 1 });
    const { errors, data } = await ask(
      `query ($image: ImageInput!) { complete(${ROW}) { seed } viewer { usage { pixelsThisMonth } } }`,
    );
    expect(errors).toMatchObject([{ path: ["viewer", "usage"] }]);
    expect(data).toBeNull();
    await charged(0);
  });

  const SUBMIT = `mutation ($image: ImageInput!, $key: String) {
    a: submitCompletion(${ROW}, idempotencyKey: $key) { completion { id } userErrors { code } }
    b: submitCompletion(image: $image, samples: 2, options: { keepRows: 0 }) { completion { id } userErrors { code } } }`;

  it("leaves no job that nobody knows of", async () => {
    await newKey(100);
    const before = await jobObjects();
    const { errors, data } = await ask(SUBMIT);
    expect(errors).toMatchObject([{ path: ["b"], extensions: { code: "QUOTA_EXCEEDED" } }]);
    expect(data).toBeNull();
    await charged(0);
    await expect.poll(jobObjects).toBe(before);
  });

  it("leaves a job that its idempotency key leads to", async () => {
    await newKey(100);
    expect((await ask(SUBMIT, { key: "mine" })).data).toBeNull();
    const submission = {
      image: picture(),
      options: { model: "igpt-small", keepRows: 31, seed: 3 },
      idempotencyKey: "mine",
    };
    const id = await submitted(worker, submission, headers);
    expect(await ended(worker, id, headers)).toMatchObject({ status: "SUCCEEDED" });
    await charged(32);
  });

  it("is kept where the other's input was wrong: that is no error of the request", async () => {
    await newKey();
    const { data, errors } = await ask<Record<string, { completion: { id: string } | null }>>(
      `mutation ($image: ImageInput!) {
        a: submitCompletion(${ROW}) { completion { id } }
        b: submitCompletion(image: { base64: "AAAA" }) { completion { id } userErrors { code } } }`,
    );
    expect(errors).toEqual([]);
    expect(data?.b).toMatchObject({ completion: null, userErrors: [{ code: "BAD_IMAGE" }] });
    expect(await ended(worker, data?.a?.completion?.id ?? "", headers)).toMatchObject({ status: "SUCCEEDED" });
    await charged(32);
  });
});

/** The last event's `complete`. */
async function stream(query: string): Promise<unknown> {
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
    body: JSON.stringify({ query, variables: { image: picture() } }),
  });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return (JSON.parse(lines.at(-1)?.slice(6) ?? "null") as { data: { complete: unknown } }).data.complete;
}

async function jobObjects(): Promise<number> {
  return (await worker.env.BUCKET.list({ prefix: "jobs/" })).objects.length;
}
