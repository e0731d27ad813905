/**
 * `npx tsx bench/operations.ts [REQUESTS]`, and part of `npm run bench`: the CPU time that a whole request of each kind needs in
 * workerd, which is what the platform charges for. Time of the process and not of the clock: other work on the machine
 * makes a request wait, and costs no CPU. What the process spends beside the Worker (its local bucket, its compiler, a collection of
 * garbage) is in it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildWorker } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import type { Workerd } from "../lib/workerd.ts";
import { widthsOf } from "../src/image/widths.ts";
import { OriginProcess } from "../test/origin/process.ts";
import { modelsOf, quantile, startProduct } from "./requests.ts";

export interface OperationRow {
  /** Null: none runs. */
  model: string | null;
  operation: string;
  requests: number;
  /** Medians of a request, and of one picture or sample of it. */
  cpuMs: number;
  cpuMsEach: number;
}

interface Operation {
  name: string;
  /** GraphQL, of `$image`, `$images` and `$model`. */
  field: string;
  /** Pictures or samples of a request. */
  of: number;
  picture: keyof typeof PICTURES;
}

const PICTURES = { small: "baseline.jpg", phone: "phone.jpg" };
/** Before what is measured: the model is loaded, its code compiled. */
const WARM_UP = 1;

const complete = (samples: number, execution = "EDGE"): Operation => ({
  name: `complete ${samples}${execution === "ORIGIN" ? " at an origin" : ""}`,
  field: `complete(image: $image, samples: ${samples}, options: { model: $model, execution: ${execution} }) {
    samples { image { dataUri(width: 256) } }
  }`,
  ...{ of: samples, picture: "small" },
});
const EMBED = "embed(image: $image, model: $model) { vector }";
const FEW: Operation[] = [
  complete(1),
  complete(4),
  { name: "embed", field: EMBED, of: 1, picture: "small" },
  { name: "likelihood", field: "likelihood(image: $image, model: $model) { perPixel }", of: 1, picture: "small" },
];
const ALL: Operation[] = [
  ...FEW.slice(0, 2),
  complete(8),
  ...FEW.slice(2),
  { name: "embed, of 12 megapixels", field: EMBED, of: 1, picture: "phone" },
  { name: "embedMany 16", field: "embedMany(images: $images, model: $model) { vector }", of: 16, picture: "small" },
];
const IMAGES = 16;

/** @param requests of each kind @param few of the kinds alone, for a quick look */
export async function measureOperations(
  requests: number,
  { few = false, models = join(ROOT, "r2-assets") } = {},
): Promise<OperationRow[]> {
  await buildWorker();
  const worker = await startProduct(models);
  try {
    const rows: OperationRow[] = [];
    const ids = (await modelsOf(models)).map(({ id }) => id);
    for (const model of ids) {
      for (const operation of few ? FEW : ALL) rows.push(await measure(worker, model, operation, requests));
    }
    rows.push(await measureThumbnail(worker, requests));
    return few ? rows : [...rows, ...(await measureAtOrigin(models, requests))];
  } finally {
    await worker.close();
  }
}

/** What is left to the Worker where an origin, a process of its own, runs the model. */
async function measureAtOrigin(models: string, requests: number): Promise<OperationRow[]> {
  const origin = await OriginProcess.start(["--models", models]);
  try {
    const worker = await startProduct(models, { ORIGIN_URLS: origin.url });
    try {
      const rows: OperationRow[] = [];
      for (const { id: model } of await modelsOf(models)) {
        for (const samples of [1, 4]) rows.push(await measure(worker, model, complete(samples, "ORIGIN"), requests));
      }
      return rows;
    } finally {
      await worker.close();
    }
  } finally {
    await origin.stop("SIGKILL");
  }
}

async function measure(worker: Workerd, model: string, operation: Operation, requests: number): Promise<OperationRow> {
  const photo = await readFile(join(ROOT, "test/fixtures", PICTURES[operation.picture]));
  const image = { base64: photo.toString("base64") };
  const several = operation.field.includes("$images");
  const query = several
    ? `query ($images: [ImageInput!]!, $model: ID) { ${operation.field} }`
    : `query ($image: ImageInput!, $model: ID) { ${operation.field} }`;
  const variables = several ? { images: Array(IMAGES).fill(image), model } : { image, model };
  const cpu: number[] = [];
  for (let i = 0; i < requests + WARM_UP; i++) {
    const before = await worker.cpuMs();
    await ask(worker, query, variables);
    if (i >= WARM_UP) cpu.push((await worker.cpuMs()) - before);
  }
  const cpuMs = quantile(cpu, 0.5);
  return { model, operation: operation.name, requests, cpuMs, cpuMsEach: cpuMs / operation.of };
}

/** Every width and format of one picture a time, none of which was asked for before. The default model draws the pictures. */
async function measureThumbnail(worker: Workerd, requests: number): Promise<OperationRow> {
  const image = { base64: await readFile(join(ROOT, "test/fixtures", PICTURES.small), "base64") };
  const cpu: number[] = [];
  let count = 0;
  for (let i = 0; i < requests; i++) {
    const query = `query ($image: ImageInput!) { complete(image: $image, options: { seed: ${i} }) { samples { image { id width } } } }`;
    const { complete } = await ask<{ complete: { samples: { image: { id: string; width: number } }[] } }>(
      worker,
      query,
      { image },
    );
    const [sample] = complete.samples;
    if (!sample) throw new Error("a completion without a sample");
    const { id, width } = sample.image;
    const urls = ["png", "webp", "jpg"].flatMap((format) =>
      widthsOf(width).map((wide) => `/thumbnails/${id}.${format}?width=${wide}`),
    );
    count = urls.length;
    const before = await worker.cpuMs();
    for (const url of urls) await (await worker.request(url)).arrayBuffer();
    cpu.push((await worker.cpuMs()) - before);
  }
  const cpuMs = quantile(cpu, 0.5) / count;
  return { model: null, operation: "thumbnail", requests: requests * count, cpuMs, cpuMsEach: cpuMs };
}

async function ask<T>(worker: Workerd, query: string, variables: object): Promise<T> {
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: { message: string }[] };
  if (errors?.[0]) throw new Error(errors[0].message);
  return data;
}

export function operationTable(rows: readonly OperationRow[]): string {
  return [
    "CPU time of workerd a request, ms (complete: half a picture; median):",
    "| model | operation | CPU ms | each picture or sample |",
    "|---|---|---|---|",
    ...rows.map(({ model, operation, cpuMs, cpuMsEach }) => {
      const digits = cpuMs < 100 ? 1 : 0;
      return `| ${model ?? "none"} | ${operation} | ${cpuMs.toFixed(digits)} | ${cpuMsEach.toFixed(digits)} |`;
    }),
  ].join("\n");
}

if (import.meta.filename === process.argv[1]) {
  console.log(operationTable(await measureOperations(Number(process.argv[2] ?? 7))));
}
