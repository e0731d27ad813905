/** docs/costs.md: the operations that it names are counted here, and its totals follow from its tables. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Operations, operationsOf, tableUnder, UNITS, withTotals } from "../../lib/costs.ts";
import { ROOT } from "../../lib/root.ts";
import { bearer, issueKey } from "../access/admin.ts";
import { startAround } from "../around.ts";
import type { TestWorker } from "../harness.ts";
import { submitted } from "../jobs/client.ts";
import { photo } from "../worker/pictures.ts";
import { CALLS_PATH, type Call, EXPIRE_PATH } from "./calls.ts";

const page = readFileSync(join(ROOT, "docs/costs.md"), "utf8");

describe("the totals", () => {
  it("are what the tables give", () => {
    expect(page).toBe(withTotals(page));
  });

  it("follow a price, a CPU time and a count", () => {
    const [cpu] = tableUnder(page, "Prices").filter(({ unit }) => unit === "CPU milliseconds");
    const dearer = page.replace(`| CPU milliseconds | ${cpu?.dollars} |`, "| CPU milliseconds | 77 |");
    expect(withTotals(dearer)).not.toBe(dearer);
    const slower = page.replace(/(\| igpt-base \| complete 1 \| )\d+/, "$199999");
    expect(withTotals(slower)).not.toBe(slower);
    const busier = page.replace(/(\| `likelihood` \| )\d+/, "$1999");
    expect(withTotals(busier)).not.toBe(busier);
  });

  it("ask for what is missing", () => {
    expect(() => withTotals(page.replace(/^\| R2 class A .*\n/m, ""))).toThrow('says nothing of "R2 class A"');
    expect(() => withTotals(page.replace(/^\| igpt-base \| embed \| .*\n/m, ""))).toThrow(
      "no CPU time of embed by igpt-base",
    );
  });

  it("know when and where each price was read", () => {
    for (const { "as of": date, page: link } of [
      ...tableUnder(page, "Prices"),
      ...tableUnder(page, "What others ask"),
    ]) {
      expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(link).toMatch(/^<https:\/\/\S+>$/);
    }
  });
});

describe("the operations", () => {
  const told = operationsOf(page);
  let worker: TestWorker;
  let headers: Record<string, string>;
  let starting: Operations;
  beforeAll(async () => {
    worker = await startAround(join(import.meta.dirname, "worker.ts"), { vars: { ANONYMOUS_SCOPES: "" } });
    const scopes = ["COMPLETE", "EMBED", "JOBS"] as const;
    const limits = { requestsPerMinute: 10_000, pixelsPerMonth: 1_000_000 };
    headers = bearer((await issueKey(worker, { scopes: [...scopes], ...limits })).secret);
    // The first request of the isolate loads the model, and is the key's first.
    starting = await counted(() => worker.data(COMPLETE, variables, headers), "everything");
  });
  afterAll(() => worker?.close());

  const variables = { image: photo, options: { keepRows: 31, seed: 1, model: "igpt-small" } };
  const COMPLETE = `query ($image: ImageInput!, $options: CompleteOptions) {
    complete(image: $image, options: $options) { samples { image { dataUri } } }
  }`;

  /** What `work` needs. Reads of models are left out: an isolate does those for many requests. */
  async function counted(
    work: () => Promise<unknown>,
    which: "requests" | "everything" = "requests",
  ): Promise<Operations> {
    await worker.request(CALLS_PATH, { method: "DELETE" });
    await work();
    const made = await calls();
    // docs/costs.md leaves these out, because they are few.
    const read = made.reduce((rows, call) => rows + (call.of === "storage" ? call.rowsRead : 0), 0);
    expect(read).toBeLessThan(300);
    return summed(made, which);
  }

  const calls = async () => (await worker.request(CALLS_PATH)).json() as Promise<Call[]>;
  const ask = (query: string, more: object = {}) => worker.data(query, { image: photo, ...more }, headers);
  const image = "$image: ImageInput!";

  it.each<[string, () => Promise<unknown>]>([
    ["complete", () => worker.data(COMPLETE, variables, headers)],
    ["embed", () => ask(`query (${image}) { embed(image: $image, model: "igpt-small") { vector } }`)],
    [
      "embedMany",
      () => ask(`query (${image}) { embedMany(images: [$image, $image], model: "igpt-small") { vector } }`),
    ],
    ["likelihood", () => ask(`query (${image}) { likelihood(image: $image, model: "igpt-small") { nllPerPixel } }`)],
    ["complete as a subscription", streamed],
  ])("%s", async (name, work) => {
    expect(await counted(work)).toEqual(told.get(name));
  });

  it("pictures that are stored, and their thumbnails", async () => {
    const query = `query (${image}) { complete(image: $image, options: { keepRows: 31, seed: 77, model: "igpt-small" }) { samples { image { url(width: 256) } } } }`;
    let url = "";
    const withUrl = await counted(async () => {
      const { complete } = await worker.data<{ complete: { samples: { image: { url: string } }[] } }>(
        query,
        { image: photo },
        headers,
      );
      url = complete.samples[0]?.image.url ?? "";
    });
    const complete = told.get("complete");
    const more = Object.fromEntries(UNITS.map((unit) => [unit, withUrl[unit] - (complete?.[unit] ?? 0)]));
    expect(more).toEqual(told.get("each picture whose url or id is asked for"));
    const thumbnail = async () => void (await (await fetch(url)).arrayBuffer());
    expect(await counted(thumbnail)).toEqual(told.get("a thumbnail that no cache has"));
    expect(await counted(thumbnail)).toEqual(told.get("a thumbnail from a cache"));
  });

  it("a job, its samples, and its deletion", async () => {
    let id = "";
    const job = await counted(async () => {
      const options = { keepRows: 31, seed: 1, model: "igpt-small", execution: "EDGE" };
      id = await submitted(worker, { image: photo, samples: 2, options }, headers);
      // The last thing that follows is the meter's: until then nobody asks, because that would count.
      await expect.poll(async () => (await calls()).some(isSettled), { timeout: 100_000 }).toBe(true);
      await expect.poll(async () => (await calls()).filter(isAlarmSet).length, { timeout: 100_000 }).toBe(3);
    });
    expect(job).toEqual(told.get("submitCompletion, to the job's end"));
    const samples = "query ($id: ID!) { completion(id: $id) { status samples { image { dataUri } } } }";
    expect(await counted(() => worker.data(samples, { id }, headers))).toEqual(
      told.get("completion(id) with its samples"),
    );
    await worker.request(`${EXPIRE_PATH}?job=${id}`, { method: "POST" });
    expect(summed(await calls(), "requests")).toEqual(told.get("a job's deletion"));
  });

  it("the start of an isolate", () => {
    expect(starting["R2 class B"]).toBe(told.get("an isolate's first request of a model, more")?.["R2 class B"]);
  });

  it("nothing goes through a queue", () => {
    expect(readFileSync(join(ROOT, "wrangler.toml"), "utf8")).not.toMatch(/^\[+queues/m);
  });

  async function streamed(): Promise<void> {
    const query = `subscription (${image}, $options: CompleteOptions) { complete(image: $image, options: $options) { rowsDone completion { seed } } }`;
    const response = await worker.request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
      body: JSON.stringify({ query, variables }),
    });
    await response.text();
    await expect.poll(async () => (await calls()).some(({ of }) => of === "data point")).toBe(true);
  }
});

const isSettled = (call: Call) => call.of === "object" && call.method === "settle";
const isAlarmSet = (call: Call) => call.of === "storage" && call.query === "set alarm";

/** What the tables leave out and say so: what is done once a minute or once a second, however many requests there are. */
function isRequests(call: Call): boolean {
  if (call.of === "R2") return !call.key.startsWith("models/");
  if (call.of === "D1") return !call.query.includes("last_used_at");
  return call.of !== "storage" || !call.query.startsWith("DELETE FROM seconds");
}

const CLASS_A = new Set(["put", "list", "createMultipartUpload"]);
const CLASS_B = new Set(["get", "head"]);

function summed(calls: readonly Call[], which: "requests" | "everything"): Operations {
  const charged = which === "requests" ? calls.filter(isRequests) : calls;
  const sum = (value: (call: Call) => number) => charged.reduce((total, call) => total + value(call), 0);
  const many = (is: (call: Call) => boolean) => charged.filter(is).length;
  return {
    // What comes over HTTP ends with a data point; a Workflow's instance is charged as a request.
    "Worker requests": many(({ of }) => of === "data point" || of === "workflow"),
    "R2 class A": many((call) => call.of === "R2" && CLASS_A.has(call.method)),
    "R2 class B": many((call) => call.of === "R2" && CLASS_B.has(call.method)),
    "D1 rows read": sum((call) => (call.of === "D1" ? call.rowsRead : 0)),
    "D1 rows written": sum((call) => (call.of === "D1" ? call.rowsWritten : 0)),
    "object requests": many(({ of }) => of === "object"),
    "object rows written": sum((call) => (call.of === "storage" ? call.rowsWritten : 0)),
    "Workflow steps": many(({ of }) => of === "step"),
    "data points": many(({ of }) => of === "data point"),
  };
}
