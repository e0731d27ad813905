/** Every GraphQL block of the docs and of the schema's descriptions, and every local curl, is run against the real Worker. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type OperationDefinitionNode, parse } from "graphql";
import { createClient } from "graphql-sse";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { bearer, issueKey } from "../access/admin.ts";
import { printed } from "../examples/run.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { gradient, photo } from "../worker/pictures.ts";
import { type Block, blocksOf, blocksOfSchema, readPages } from "./pages.ts";

const ENDPOINT = "http://127.0.0.1:8787";
const FILE = join(ROOT, "web/pictures/chelsea.jpg");

const blocks = readPages().flatMap(blocksOf);
const queries = [...blocks, ...blocksOfSchema()].filter(({ language }) => language === "graphql");
const curls = blocks.filter(
  ({ language, code }) => language === "sh" && code.includes("curl") && code.includes(ENDPOINT),
);

let worker: SharedWorker;
/** Of a key that may do anything. */
let headers: Record<string, string>;
beforeAll(async () => {
  worker = await sharedWorker("development");
  headers = bearer((await issueKey(worker, { scopes: ["COMPLETE", "EMBED", "JOBS", "ADMIN"] })).secret);
});

/** What the docs' variables stand for, by name. */
const VARIABLES: Record<string, () => unknown> = {
  image: () => photo,
  images: () => [photo, gradient],
  keep: () => Array.from({ length: 1024 }, (_, i) => i % 32 < 16 || i < 768),
  idempotencyKey: () => "docs",
  // Nobody listens there.
  webhookUrl: () => "http://127.0.0.1:9/",
  file: () => null,
  key: async () => (await issueKey(worker)).key.id,
  async job() {
    const submit =
      "mutation ($image: ImageInput!) { submitCompletion(image: $image, options: { keepRows: 30 }) { completion { id } } }";
    const { submitCompletion } = await worker.data<{ submitCompletion: { completion: { id: string } } }>(
      submit,
      { image: photo },
      headers,
    );
    return submitCompletion.completion.id;
  },
  async picture() {
    const query = "query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { input { id } } }";
    return (await worker.data<{ complete: { input: { id: string } } }>(query, { image: photo })).complete.input.id;
  },
};

describe("GraphQL", () => {
  it.each(queries)("$page:$line", async ({ code }) => {
    const [operation] = parse(code).definitions as OperationDefinitionNode[];
    const names = operation?.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
    const variables: Record<string, unknown> = {};
    for (const name of names) {
      if (!(name in VARIABLES)) throw new Error(`test/docs/queries.test.ts knows no variable $${name}`);
      variables[name] = await VARIABLES[name]?.();
    }
    const run = operation?.operation === "subscription" ? subscribe : names.includes("file") ? upload : ask;
    const data = await run(code, variables);
    // What is wrong with a mutation's input is no error.
    expect(JSON.stringify(data)).not.toMatch(/"userErrors":\[\{/);
  });
});

describe("curl", () => {
  it.each(curls)("$page:$line", async ({ code }) => {
    const script = code.replaceAll(ENDPOINT, new URL(worker.url).origin);
    const answer = JSON.parse(await printed(["bash", "-euc", script], {})) as { data?: unknown; errors?: unknown };
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toBeTruthy();
  });
});

it("the headers of docs/partners.md are those of a key with such limits", async () => {
  const documented = blocks.find(({ page, code }) => page === "docs/partners.md" && code.includes("RateLimit-Policy:"));
  const [, policy] = /^RateLimit-Policy: (.+)$/m.exec(documented?.code ?? "") ?? [];
  const [, limit = ""] = /^RateLimit: (.+)$/m.exec(documented?.code ?? "") ?? [];
  const { secret } = await issueKey(worker, { requestsPerMinute: 60, pixelsPerMonth: 5_000_000 });
  const query = "query ($image: ImageInput!) { complete(image: $image, samples: 4) { seed } }";
  const answer = await worker.ask(query, { image: photo }, bearer(secret));
  const withoutTimes = (text: string) => text.replaceAll(/t=\d+/g, "t=N");
  expect(answer.headers.get("ratelimit-policy")).toBe(policy);
  expect(withoutTimes(answer.headers.get("ratelimit") ?? "")).toBe(withoutTimes(limit));
});

type Run = (query: string, variables: Record<string, unknown>) => Promise<unknown>;

const ask: Run = (query, variables) => worker.data(query, variables, headers);

const upload: Run = async (query, variables) => {
  const form = new FormData();
  form.set("operations", JSON.stringify({ query, variables }));
  form.set("map", JSON.stringify({ 0: ["variables.file"] }));
  form.set("0", new Blob([new Uint8Array(await readFile(FILE))], { type: "image/jpeg" }), "chelsea.jpg");
  const response = await worker.request("/graphql", { method: "POST", headers, body: form });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
};

const subscribe: Run = async (query, variables) => {
  const url = new URL("/graphql", worker.url).href;
  const client = createClient({ url, headers, singleConnection: false, retryAttempts: 0 });
  let last: unknown;
  let events = 0;
  for await (const { data, errors } of client.iterate({ query, variables })) {
    expect(errors).toBeUndefined();
    last = data;
    events++;
  }
  expect(events).toBeGreaterThan(0);
  expect(last).toBeTruthy();
  return last;
};

it("there is something to run", () => {
  const pagesOf = (all: Block[]) => new Set(all.map(({ page }) => page));
  expect(queries.length).toBeGreaterThan(15);
  expect(pagesOf(queries)).toContain("src/schema.graphql");
  expect(pagesOf(curls)).toContain("README.md");
});
