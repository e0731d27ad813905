/**
 * `npx tsx bench/requests.ts [MODELS]`, and part of `npm run bench`: whole requests to the Worker in workerd, one client, and
 * where their time goes. The pieces are measured beside them in a Worker of the bench (workerd/parts-worker.ts), in turns with
 * the whole, from outside: a Worker's clock stands still while it computes.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildWorker, WORKER_DIRECTORY } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import { builtModules, startWorkerd, type Workerd } from "../lib/workerd.ts";
import { bundle } from "./workerd/build.ts";
import type { Operation } from "./workerd/parts-worker.ts";

export interface RequestRow {
  model: string;
  /** "complete 4", "embed", "likelihood". */
  operation: string;
  requests: number;
  p50Ms: number;
  p95Ms: number;
  /** CPU time of workerd a request, the median. */
  cpuMs: number;
  /** Medians, in milliseconds: the model's work; the turns, admission and what else stands around it; the picture's decoding; the rest. */
  kernelMs: number;
  turnsMs: number;
  decodingMs: number;
  restMs: number;
}

const OPERATIONS: Operation["what"][] = [1, 4, 8, "embed", "likelihood"];

/** @param models a folder laid out like r2-assets @param requests of each operation */
export async function measureRequests(requests: number, models = join(ROOT, "r2-assets")): Promise<RequestRow[]> {
  await buildWorker();
  const worker = await startProduct(models);
  const parts = await startWorkerd({ modules: await bundle(new URL("workerd/parts-worker.ts", import.meta.url)) });
  try {
    await parts.publish(models);
    const photo = await readFile(join(ROOT, "test/fixtures/baseline.jpg"));
    const rows: RequestRow[] = [];
    for (const model of await modelsOf(models)) {
      for (const what of OPERATIONS) rows.push(await measure(worker, parts, { model, what }, photo, requests));
    }
    return rows;
  } finally {
    await Promise.all([worker.close(), parts.close()]);
  }
}

/** The Worker as it is deployed. @param more variables, beside those that let everybody in */
export async function startProduct(models: string, more: Record<string, string> = {}): Promise<Workerd> {
  const vars = { ANONYMOUS_SCOPES: "COMPLETE,EMBED", FLOOD_GUARD: "off", ...more };
  const worker = await startWorkerd({ modules: await builtModules(WORKER_DIRECTORY), vars });
  await worker.publish(models);
  return worker;
}

export async function modelsOf(models: string): Promise<string[]> {
  const index = JSON.parse(await readFile(join(models, "models/index.json"), "utf8")) as { models: object };
  return Object.keys(index.models);
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
  const WARM_UP = 2;
  for (let i = 0; i < requests + WARM_UP; i++) {
    for (const [name, work] of Object.entries(works)) {
      const before = await worker.cpuMs();
      const begin = performance.now();
      await work();
      if (i >= WARM_UP) times[name]?.push(performance.now() - begin);
      if (i >= WARM_UP && name === "whole") cpu.push((await worker.cpuMs()) - before);
    }
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
    const ms = [row.p50Ms, row.p95Ms, row.cpuMs, row.kernelMs, row.turnsMs, row.decodingMs, row.restMs];
    const over = (row.p50Ms / row.kernelMs).toFixed(2);
    return `| ${row.model} | ${row.operation} | ${ms.map((value) => value.toFixed(0)).join(" | ")} | ${over} |`;
  });
  return [
    "Whole requests in workerd, one client, ms (CPU: of workerd; complete: half a picture, 1, 4 or 8 samples):",
    "| model | operation | p50 | p95 | CPU | kernel | turns | decoding | rest | p50 over kernel |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

if (import.meta.filename === process.argv[1]) console.log(requestTable(await measureRequests(9, process.argv[2])));
