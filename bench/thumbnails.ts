/**
 * `npx tsx bench/thumbnails.ts`, and part of `npm run bench`: how long a thumbnail takes in workerd under 200 requests a second,
 * alone, beside completions, and beside the decoding of 12-megapixel pictures. Requests are sent at their times whether
 * earlier ones have been answered or not, and timed from when they were due, so that a stall is counted in full. They go
 * straight to workerd, past wrangler's development proxy. First, how many a second workerd answers at all, and how much of
 * the other work it does without thumbnails.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { buildWorker as bundleWorker } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import { startWorker, type TestWorker } from "../test/harness.ts";

const REQUESTS_PER_SECOND = 200;
const WIDTH = 256;
/** Requests that are on their way at once when workerd's limit is looked for. */
const AT_ONCE = 16;
const PHOTOS = ["astronaut", "chelsea", "coffee", "rocket"];

type Beside = "nothing" | "completions" | "decoding";
/** Pictures of noise are the worst case of the encoder. */
type Rendition = "cached" | "uncached" | "uncached noise";

/** Which of them is asked for, in turns. */
const PATTERN: Rendition[] = ["cached", "uncached", "cached", "uncached noise"];

export interface ThumbnailRow {
  beside: Beside;
  rendition: Rendition;
  requests: number;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
  /** What ran beside it, how often a second; and without any thumbnails. */
  besidePerSecond: number;
  besideAlonePerSecond: number;
  /** Of all renditions together. Below what was asked for: the machine was too slow or too busy, and the times are of its queue. */
  answeredPerSecond: number;
}

export interface Thumbnails {
  /** Thumbnails a second that workerd answers when it does nothing else. */
  limits: Record<Rendition, number>;
  rows: ThumbnailRow[];
}

/** @param seconds for each of the three measurements; finding the limits takes as long once more */
export async function measureThumbnails(seconds: number): Promise<Thumbnails> {
  await bundleWorker();
  const worker = await startWorker();
  try {
    const photos = await storePhotos(worker);
    const work = {
      completions: await completing(worker),
      decoding: await decoding(worker),
    };
    const limits = {
      cached: await limit(worker, seconds / 3, Array(10_000).fill(photos.ids[0])),
      uncached: await limit(worker, seconds / 3, await storePictures(worker, 500 * seconds, photos.vary)),
      "uncached noise": await limit(worker, seconds / 3, await storePictures(worker, 500 * seconds, noise)),
    };
    const rows: ThumbnailRow[] = [];
    for (const beside of ["nothing", "completions", "decoding"] as const) {
      const ids = await chooseIds(worker, REQUESTS_PER_SECOND * seconds, photos);
      rows.push(...(await measure(worker, ids, beside, beside === "nothing" ? undefined : work[beside])));
    }
    return { limits, rows };
  } finally {
    await worker.close();
  }
}

type Work = () => Promise<unknown>;

async function completing(worker: TestWorker): Promise<Work> {
  const picture = (await readFile(join(ROOT, "web/pictures/chelsea.jpg"))).toString("base64");
  const query = "query ($image: ImageInput!) { complete(image: $image, samples: 4) { seed } }";
  const work = () => worker.data(query, { image: { base64: picture } });
  await work();
  return work;
}

async function decoding(worker: TestWorker): Promise<Work> {
  const large = (await readFile(join(ROOT, "test/fixtures/phone.jpg"))).toString("base64");
  const query = "query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel } }";
  return () => worker.data(query, { image: { base64: large } });
}

/** Does work again and again, one after another, until `stop`. @returns how often a second it was done */
function again(work: Work | undefined): { stop: () => Promise<number> } {
  let running = true;
  let count = 0;
  const start = performance.now();
  const done = (async () => {
    while (work && running) {
      await work();
      count++;
    }
  })();
  return {
    stop: async () => {
      running = false;
      await done;
      return (count * 1000) / (performance.now() - start);
    },
  };
}

async function measure(
  worker: TestWorker,
  ids: readonly string[],
  beside: Beside,
  work?: Work,
): Promise<ThumbnailRow[]> {
  const alone = again(work);
  if (work) await setTimeout((ids.length * 500) / REQUESTS_PER_SECOND);
  const besideAlonePerSecond = await alone.stop();

  const background = again(work);
  const start = performance.now();
  const times = new Map<Rendition, Promise<number>[]>(PATTERN.map((rendition) => [rendition, []]));
  for (const [i, id] of ids.entries()) {
    const due = start + (i * 1000) / REQUESTS_PER_SECOND;
    const wait = due - performance.now();
    if (wait > 1) await setTimeout(wait);
    times.get(renditionOf(i))?.push(fetchThumbnail(worker, id).then(() => performance.now() - due));
  }
  await Promise.all([...times.values()].flat());
  const answeredPerSecond = Math.round((ids.length * 1000) / (performance.now() - start));
  const rest = { besidePerSecond: await background.stop(), besideAlonePerSecond, answeredPerSecond };
  return Promise.all(
    [...times].map(async ([rendition, some]) => row(beside, rendition, await Promise.all(some), rest)),
  );
}

/** @returns thumbnails a second, asked for by some clients that each ask again at once */
async function limit(worker: TestWorker, seconds: number, ids: readonly string[]): Promise<number> {
  const start = performance.now();
  let next = 0;
  const client = async () => {
    for (let id = ids[next++]; id && performance.now() - start < seconds * 1000; id = ids[next++]) {
      await fetchThumbnail(worker, id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return Math.round(((next - AT_ONCE) * 1000) / (performance.now() - start));
}

async function fetchThumbnail(worker: TestWorker, id: string): Promise<void> {
  const response = await worker.harness.getWorker().fetch(`/thumbnails/${id}.png?width=${WIDTH}`);
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`A thumbnail was answered with ${response.status}.`);
}

function renditionOf(i: number): Rendition {
  return PATTERN[i % PATTERN.length] as Rendition;
}

interface Photos {
  /** Of those that are in the bucket. */
  ids: string[];
  /** The pixels of one of them, in other colours. */
  vary: () => Uint8Array;
}

async function chooseIds(worker: TestWorker, count: number, { ids, vary }: Photos): Promise<string[]> {
  const share = count / PATTERN.length;
  const varied = await storePictures(worker, share, vary);
  const noisy = await storePictures(worker, share, noise);
  return Array.from({ length: count }, (_, i) => {
    const rendition = renditionOf(i);
    const own = rendition === "cached" ? ids : rendition === "uncached" ? varied : noisy;
    return own[Math.floor(i / PATTERN.length) % own.length] as string;
  });
}

/** The shipped photos as the model sees them. */
async function storePhotos(worker: TestWorker): Promise<Photos> {
  const query = "query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { input { id } } }";
  const ids: string[] = [];
  const pixels: Uint8Array[] = [];
  for (const name of PHOTOS) {
    const base64 = (await readFile(join(ROOT, `web/pictures/${name}.jpg`))).toString("base64");
    const { complete } = await worker.data<{ complete: { input: { id: string } } }>(query, { image: { base64 } });
    const { id } = complete.input;
    const object = await worker.env.BUCKET.get(`images/${id}`);
    if (!object) throw new Error(`images/${id} is missing`);
    ids.push(id);
    pixels.push(new Uint8Array(await object.arrayBuffer()));
    await fetchThumbnail(worker, id);
  }
  const vary = () => {
    const picture = pixels[Math.floor(Math.random() * pixels.length)] as Uint8Array;
    const shift = Math.floor(Math.random() * 64) - 32;
    return picture.map((value) => Math.max(0, Math.min(255, value + shift)));
  };
  return { ids, vary };
}

function noise(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(3072));
}

/** @returns ids of their own, whatever the pictures are */
async function storePictures(worker: TestWorker, count: number, make: () => Uint8Array): Promise<string[]> {
  const ids = Array.from({ length: Math.ceil(count) }, () =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex"),
  );
  for (let i = 0; i < ids.length; i += 50) {
    await Promise.all(ids.slice(i, i + 50).map((id) => worker.env.BUCKET.put(`images/${id}`, make())));
  }
  return ids;
}

function row(
  beside: Beside,
  rendition: Rendition,
  times: number[],
  rest: Pick<ThumbnailRow, "besidePerSecond" | "besideAlonePerSecond" | "answeredPerSecond">,
): ThumbnailRow {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;
  return { beside, rendition, requests: times.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1), ...rest };
}

export function thumbnailTable({ limits, rows }: Thumbnails): string {
  const lines = rows.map((row) => {
    const { beside, rendition, p50Ms, p95Ms, maxMs, answeredPerSecond } = row;
    const others =
      beside === "nothing" ? "" : `${row.besidePerSecond.toFixed(2)} of ${row.besideAlonePerSecond.toFixed(2)}`;
    return `| ${beside} | ${others} | ${rendition} | ${p50Ms} | ${p95Ms} | ${maxMs} | ${answeredPerSecond} |`;
  });
  return [
    `Thumbnails of ${WIDTH} px a second that workerd answers at all: ${Object.entries(limits)
      .map(([rendition, perSecond]) => `${perSecond} ${rendition}`)
      .join(", ")}.`,
    `Under ${REQUESTS_PER_SECOND} requests a second, ms:`,
    "| beside | that a second, of alone | rendition | p50 | p95 | max | answered a second |",
    "|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

if (import.meta.filename === process.argv[1]) console.log(thumbnailTable(await measureThumbnails(10)));
