/** Whole requests through workerd: half a picture, one sample, with 1, 4 and 16 clients that each ask again at once. */
import { readFile } from "node:fs/promises";
import build from "../test/global-setup.ts";
import { startWorker, type TestWorker } from "../test/harness.ts";

export interface RequestRow {
  clients: number;
  requests: number;
  /** Requests that were turned away with BUSY. */
  busy: number;
  p50Ms: number;
  p95Ms: number;
  completionsPerMinute: number;
}

const QUERY = `query ($image: ImageInput!) { complete(image: $image) { engine samples { nllPerPixel } } }`;
const CLIENTS = [1, 4, 16];
/** Requests of each number of clients. */
const REQUESTS = 24;

export async function measureRequests(): Promise<RequestRow[]> {
  await build();
  const worker = await startWorker();
  try {
    const photo = await readFile(new URL("../test/fixtures/baseline.jpg", import.meta.url));
    const image = { base64: photo.toString("base64") };
    await worker.data(QUERY, { image });
    const rows: RequestRow[] = [];
    for (const clients of CLIENTS) rows.push(await load(worker, clients, image));
    return rows;
  } finally {
    await worker.close();
  }
}

async function load(worker: TestWorker, clients: number, image: { base64: string }): Promise<RequestRow> {
  const times: number[] = [];
  let [left, busy] = [REQUESTS, 0];
  const begin = performance.now();
  const client = async () => {
    while (left-- > 0) {
      const asked = performance.now();
      const { errors } = await worker.ask(QUERY, { image });
      const code = errors[0]?.extensions.code;
      if (code === "BUSY") busy++;
      else if (code) throw new Error(`${code}: ${errors[0]?.message}`);
      else times.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const minutes = (performance.now() - begin) / 60_000;
  times.sort((a, b) => a - b);
  const quantile = (q: number) => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? Number.NaN;
  return {
    clients,
    requests: REQUESTS,
    busy,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    completionsPerMinute: times.length / minutes,
  };
}

export function requestTable(rows: readonly RequestRow[]): string {
  const lines = rows.map(
    ({ clients, p50Ms, p95Ms, completionsPerMinute, busy }) =>
      `${clients} clients: p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms, ` +
      `${completionsPerMinute.toFixed(0)} completions a minute${busy ? `, ${busy} turned away` : ""}`,
  );
  return ["half a picture, one sample, through workerd:", ...lines].join("\n");
}
