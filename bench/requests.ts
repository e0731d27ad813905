/**
 * `npx tsx bench/requests.ts [MODELS] [--model ID] [--requests N] [--what 1,embed]`, and part of `npm run bench`: whole requests to the Worker in
 * workerd, one client, and where their time goes. The pieces are measured beside them in a Worker of the bench (workerd/parts-worker.ts), in turns with
 * the whole, from outside: a Worker's clock stands still while it computes.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readArguments } from "../lib/arguments.ts";
import { buildWorker, WORKER_DIRECTORY } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import { builtModules, startWorkerd, type Workerd } from "../lib/workerd.ts";
import type { Manifest } from "../src/model/bundle/manifest.ts";
import { bundle } from "./workerd/build.ts";
import type { Operation } from "./workerd/parts-worker.ts";

export interface RequestRow {
  model: string;
  /** "complete 4", "embed", "likelihood". */
  operation: string;
  requests: number;
  p50Ms: number;
  p95Ms: number;
  /** Of a completion: until its stream shows the first drawn row, the median. */
  firstRowMs?: number;
  /** CPU time of workerd a request, the median. */
  cpuMs: number;
  /** Medians, in milliseconds: the model's work; the turns, admission and what else stands around it; the picture's decoding; the rest. */
  kernelMs: number;
  turnsMs: number;
  decodingMs: number;
  restMs: number;
}

const USAGE = `npx tsx bench/requests.ts [MODELS] [--model ID] [--requests N] [--what LIST]

  MODELS         a folder laid out like r2-assets, which is the default
  --model ID     this model alone
  --requests N   of each kind; default 9
  --what LIST    of 1,4,8,embed,likelihood: samples of half a picture, or what is read of a whole one`;

const OPERATIONS: Operation["what"][] = [1, 4, 8, "embed", "likelihood"];
/** Of a model of 64x64, where eight samples are two times four, and a request takes seconds. */
const LARGE_OPERATIONS: Operation["what"][] = [1, 4, "embed", "likelihood"];
const LARGE_REQUESTS = 3;

/** What is asked of a model whose pictures have this side. */
export const operationsOf = (resolution: number): Operation["what"][] =>
  resolution > 32 ? LARGE_OPERATIONS : OPERATIONS;

/** @param requests of each operation, fewer of 64x64 @param models a folder laid out like r2-assets @param only this model, these operations */
export async function measureRequests(
  requests: number,
  models = join(ROOT, "r2-assets"),
  only: { model?: string | undefined; what?: string[] | undefined } = {},
): Promise<RequestRow[]> {
  await buildWorker();
  const worker = await startProduct(models);
  const parts = await startWorkerd({ modules: await bundle(new URL("workerd/parts-worker.ts", import.meta.url)) });
  try {
    await parts.publish(models);
    const photo = await readFile(join(ROOT, "test/fixtures/baseline.jpg"));
    const rows: RequestRow[] = [];
    for (const { id: model, resolution } of await modelsOf(models)) {
      if (only.model !== undefined && model !== only.model) continue;
      const count = resolution > 32 ? Math.min(requests, LARGE_REQUESTS) : requests;
      for (const what of operationsOf(resolution)) {
        if (only.what && !only.what.includes(String(what))) continue;
        rows.push(await measure(worker, parts, { model, what }, photo, count));
      }
    }
    return rows;
  } finally {
    await Promise.all([worker.close(), parts.close()]);
  }
}

/** The Worker as it is deployed. @param more variables, beside those that let everybody in @param directory the bundled Worker's */
export async function startProduct(
  models: string,
  more: Record<string, string> = {},
  directory = WORKER_DIRECTORY,
): Promise<Workerd> {
  const vars = { ANONYMOUS_SCOPES: "COMPLETE,EMBED", FLOOD_GUARD: "off", ...more };
  const worker = await startWorkerd({ modules: await builtModules(directory), vars });
  await worker.publish(models);
  return worker;
}

/** The models of a folder laid out like r2-assets, and their pictures' side. */
export async function modelsOf(models: string): Promise<{ id: string; resolution: number }[]> {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await readFile(join(models, "models", path), "utf8"));
  const index = (await read("index.json")) as { models: Record<string, { version: string }> };
  return Promise.all(
    Object.entries(index.models).map(async ([id, { version }]) => {
      const { architecture } = (await read(`${id}/${version}/manifest.json`)) as Pick<Manifest, "architecture">;
      return { id, resolution: architecture.resolution };
    }),
  );
}

/** @throws Error where the answer is one */
export async function query(worker: Workerd, { model, what }: Operation, photo: Buffer): Promise<void> {
  const samples = typeof what === "number" ? what : 1;
  const fields = {
    embed: "embed(image: $image, model: $model) { vector }",
    likelihood: "likelihood(image: $image, model: $model) { nllPerPixel }",
    complete: `complete(image: $image, samples: ${samples}, options: { model: $model }) { engine samples { nllPerPixel } }`,
  };
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      query: `query ($image: ImageInput!, $model: ID) { ${fields[typeof what === "number" ? "complete" : what]} }`,
      variables: { image: { base64: photo.toString("base64") }, model },
    }),
  });
  const { errors } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  if (errors?.[0]) throw new Error(`${errors[0].extensions.code}: ${errors[0].message}`);
}

/** Milliseconds until the stream of a completion shows the first drawn row. The rest of it is given up. */
export async function firstRow(worker: Workerd, { model, what }: Operation, photo: Buffer): Promise<number> {
  const given = new AbortController();
  const begin = performance.now();
  const { body } = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({
      query: `subscription ($image: ImageInput!, $model: ID) {
        complete(image: $image, samples: ${what}, options: { model: $model }) { rowsDone samples { dataUri } }
      }`,
      variables: { image: { base64: photo.toString("base64") }, model },
    }),
    signal: given.signal,
  });
  let events = "";
  for await (const text of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    events += text;
    if (!/"rowsDone":[1-9]/.test(events)) continue;
    const ms = performance.now() - begin;
    given.abort();
    return ms;
  }
  throw new Error(`The stream ended before a row was drawn: ${events.slice(0, 500)}`);
}

async function measure(
  worker: Workerd,
  parts: Workerd,
  operation: Operation,
  photo: Buffer,
  requests: number,
): Promise<RequestRow> {
  const body = JSON.stringify(operation);
  const post = async (path: string, body: string | Buffer<ArrayBuffer>) =>
    void (await (await parts.request(path, { method: "POST", body })).arrayBuffer());
  const works = {
    whole: () => query(worker, operation, photo),
    model: () => post("/model", body),
    served: () => post("/served", body),
    decode: () => post(`/decode?model=${operation.model}`, Buffer.from(photo)),
    nothing: () => post("/nothing", ""),
  };
  const times = Object.fromEntries(Object.keys(works).map((name) => [name, [] as number[]]));
  const cpu: number[] = [];
  const firstRows: number[] = [];
  const WARM_UP = requests > LARGE_REQUESTS ? 2 : 1;
  for (let i = 0; i < requests + WARM_UP; i++) {
    for (const [name, work] of Object.entries(works)) {
      const before = await worker.cpuMs();
      const begin = performance.now();
      await work();
      if (i >= WARM_UP) times[name]?.push(performance.now() - begin);
      if (i >= WARM_UP && name === "whole") cpu.push((await worker.cpuMs()) - before);
    }
    if (typeof operation.what === "number" && i >= WARM_UP) firstRows.push(await firstRow(worker, operation, photo));
  }
  const median = (name: keyof typeof works) => quantile(times[name] ?? [], 0.5);
  const nothing = median("nothing");
  const [kernelMs, servedMs, decodingMs] = [median("model"), median("served"), median("decode")].map(
    (ms) => ms - nothing,
  ) as [number, number, number];
  return {
    model: operation.model,
    operation: typeof operation.what === "number" ? `complete ${operation.what}` : operation.what,
    requests,
    p50Ms: median("whole"),
    p95Ms: quantile(times.whole ?? [], 0.95),
    ...(firstRows.length > 0 && { firstRowMs: quantile(firstRows, 0.5) }),
    cpuMs: quantile(cpu, 0.5),
    kernelMs,
    turnsMs: servedMs - kernelMs,
    decodingMs,
    restMs: median("whole") - servedMs - decodingMs,
  };
}

/** Of unsorted numbers. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function requestTable(rows: readonly RequestRow[]): string {
  const lines = rows.map((row) => {
    const ms = [row.p50Ms, row.p95Ms, row.firstRowMs, row.cpuMs, row.kernelMs, row.turnsMs, row.decodingMs, row.restMs];
    const over = (row.p50Ms / row.kernelMs).toFixed(2);
    return `| ${row.model} | ${row.operation} | ${ms.map((value) => value?.toFixed(0) ?? "-").join(" | ")} | ${over} |`;
  });
  return [
    "Whole requests in workerd, one client, ms (CPU: of workerd; complete: half a picture; first row: of its stream):",
    "| model | operation | p50 | p95 | first row | CPU | kernel | turns | decoding | rest | p50 over kernel |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

if (import.meta.filename === process.argv[1]) {
  const { values, positionals } = readArguments(USAGE, {
    allowPositionals: true,
    options: { model: { type: "string" }, requests: { type: "string", default: "9" }, what: { type: "string" } },
  });
  const only = { model: values.model, what: values.what?.split(",") };
  console.log(requestTable(await measureRequests(Number(values.requests), positionals[0], only)));
}
