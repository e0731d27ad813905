/**
 * `npx tsx bench/thumbnails.ts`, and part of `npm run bench`: how long a thumbnail takes in workerd under 200 requests a second,
 * alone, beside completions, and beside the decoding of 12-megapixel pictures. Requests are sent at their times whether
 * earlier ones have been answered or not, and timed from when they were due, so that a stall is counted in full.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/root.ts";
import bundleWorker from "../test/global-setup.ts";
import { startWorker, type TestWorker } from "../test/harness.ts";

const REQUESTS_PER_SECOND = 200;
const WIDTH = 256;

export interface ThumbnailRow {
  beside: "nothing" | "completions" | "decoding";
  rendition: "cached" | "uncached";
  requests: number;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
  /** What ran beside it, how often. */
  besideCount: number;
  /** Of both renditions together. Below what was asked for: the machine was too slow or too busy, and the times are of its queue. */
  answeredPerSecond: number;
}

/** @param seconds for each of the three measurements */
export async function measureThumbnails(seconds: number): Promise<ThumbnailRow[]> {
  await bundleWorker();
  const worker = await startWorker();
  try {
    const picture = (await readFile(join(ROOT, "web/pictures/chelsea.jpg"))).toString("base64");
    const large = (await readFile(join(ROOT, "test/fixtures/phone.jpg"))).toString("base64");
    const complete = () =>
      worker.data("query ($image: ImageInput!) { complete(image: $image, samples: 4) { seed } }", {
        image: { base64: picture },
      });
    const decode = () =>
      worker.data("query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel } }", {
        image: { base64: large },
      });
    await complete();
    return [
      ...(await measure(worker, seconds, "nothing")),
      ...(await measure(worker, seconds, "completions", complete)),
      ...(await measure(worker, seconds, "decoding", decode)),
    ];
  } finally {
    await worker.close();
  }
}

async function measure(
  worker: TestWorker,
  seconds: number,
  beside: ThumbnailRow["beside"],
  work?: () => Promise<unknown>,
): Promise<ThumbnailRow[]> {
  const total = REQUESTS_PER_SECOND * seconds;
  const ids = await storePictures(worker, 1 + total / 2);
  const hot = ids[0] ?? "";
  await fetchThumbnail(worker, hot, performance.now());
  let running = true;
  let besideCount = 0;
  const background = (async () => {
    while (work && running) {
      await work();
      besideCount++;
    }
  })();

  const start = performance.now();
  const times: Record<ThumbnailRow["rendition"], Promise<number>[]> = { cached: [], uncached: [] };
  for (let i = 0; i < total; i++) {
    const due = start + (i * 1000) / REQUESTS_PER_SECOND;
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    if (i % 2 === 0) times.cached.push(fetchThumbnail(worker, hot, due));
    else times.uncached.push(fetchThumbnail(worker, ids[1 + (i >> 1)] ?? "", due));
  }
  const cached = await Promise.all(times.cached);
  const uncached = await Promise.all(times.uncached);
  const answeredPerSecond = Math.round((total * 1000) / (performance.now() - start));
  running = false;
  await background;
  return [
    row(beside, "cached", cached, { besideCount, answeredPerSecond }),
    row(beside, "uncached", uncached, { besideCount, answeredPerSecond }),
  ];
}

/** @returns ms from when the request was due until its last byte */
async function fetchThumbnail(worker: TestWorker, id: string, due: number): Promise<number> {
  const response = await worker.request(`/thumbnails/${id}.png?width=${WIDTH}`);
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`A thumbnail was answered with ${response.status}.`);
  return performance.now() - due;
}

/** Pictures of noise, the worst case of the encoder, under ids of their own. */
async function storePictures(worker: TestWorker, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex"),
  );
  for (let i = 0; i < ids.length; i += 50) {
    const some = ids.slice(i, i + 50);
    await Promise.all(
      some.map((id) => worker.env.BUCKET.put(`images/${id}`, crypto.getRandomValues(new Uint8Array(3072)))),
    );
  }
  return ids;
}

function row(
  beside: ThumbnailRow["beside"],
  rendition: ThumbnailRow["rendition"],
  times: number[],
  rest: Pick<ThumbnailRow, "besideCount" | "answeredPerSecond">,
): ThumbnailRow {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;
  return { beside, rendition, requests: times.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1), ...rest };
}

export function thumbnailTable(rows: readonly ThumbnailRow[]): string {
  const lines = rows.map(
    ({ beside, rendition, p50Ms, p95Ms, maxMs, besideCount, answeredPerSecond }) =>
      `| ${beside}${beside === "nothing" ? "" : ` (${besideCount})`} | ${rendition} | ${p50Ms} | ${p95Ms} | ${maxMs} | ${answeredPerSecond} |`,
  );
  return [
    `Thumbnails of ${WIDTH} px in workerd, ${REQUESTS_PER_SECOND} requests a second, half of them cached, ms:`,
    "| beside | rendition | p50 | p95 | max | answered a second |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

if (import.meta.filename === process.argv[1]) console.log(thumbnailTable(await measureThumbnails(10)));
