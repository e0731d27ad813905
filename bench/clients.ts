/**
 * `npx tsx bench/clients.ts [MODELS]`, and part of `npm run bench`: half a picture with 4 samples from a photo of 12 megapixels,
 * by 1, 4 and 16 clients that each ask again at once. One isolate has one thread: many clients wait for each other.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildWorker } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import type { Workerd } from "../lib/workerd.ts";
import { modelsOf, quantile, query, startProduct } from "./requests.ts";

export interface ClientsRow {
  model: string;
  clients: number;
  requests: number;
  /** Requests that were turned away with BUSY. */
  busy: number;
  p50Ms: number;
  p95Ms: number;
  completionsPerMinute: number;
}

const CLIENTS = [1, 4, 16];
/** Of a model of 64x64, where sixteen would wait for minutes. */
const LARGE_CLIENTS = [1, 4];
const SAMPLES = 4;

/** @param requests of each client, at least; a single client asks more often, and one for a picture of 64x64 less often */
export async function measureClients(requests: number, models = join(ROOT, "r2-assets")): Promise<ClientsRow[]> {
  await buildWorker();
  const worker = await startProduct(models);
  try {
    const photo = await readFile(join(ROOT, "test/fixtures/phone.jpg"));
    const rows: ClientsRow[] = [];
    for (const { id: model, resolution } of await modelsOf(models)) {
      await query(worker, { model, what: SAMPLES }, photo);
      const large = resolution > 32;
      for (const clients of large ? LARGE_CLIENTS : CLIENTS) {
        rows.push(await load(worker, model, clients, large ? 1 : requests, photo));
      }
    }
    return rows;
  } finally {
    await worker.close();
  }
}

async function load(worker: Workerd, model: string, clients: number, each: number, photo: Buffer): Promise<ClientsRow> {
  const requests = Math.max(each * clients, 4 * each);
  const times: number[] = [];
  let [left, busy] = [requests, 0];
  const begin = performance.now();
  const client = async () => {
    while (left-- > 0) {
      const asked = performance.now();
      try {
        await query(worker, { model, what: SAMPLES }, photo);
        times.push(performance.now() - asked);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith("BUSY"))) throw error;
        busy++;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const minutes = (performance.now() - begin) / 60_000;
  return {
    ...{ model, clients, requests, busy },
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    completionsPerMinute: times.length / minutes,
  };
}

export function clientsTable(rows: readonly ClientsRow[]): string {
  const lines = rows.map(
    ({ model, clients, p50Ms, p95Ms, completionsPerMinute, busy }) =>
      `| ${model} | ${clients} | ${p50Ms.toFixed(0)} | ${p95Ms.toFixed(0)} | ${completionsPerMinute.toFixed(0)} | ${busy} |`,
  );
  return [
    `Half a picture, ${SAMPLES} samples, from a 12-megapixel photo, ms:`,
    "| model | clients | p50 | p95 | completions a minute | turned away |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

if (import.meta.filename === process.argv[1]) console.log(clientsTable(await measureClients(4, process.argv[2])));
