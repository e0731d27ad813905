/** What only workerd can show: requests of one isolate that are cancelled while others run beside them. */
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BASE_BYTES, SAMPLE_BYTES } from "../doubles/arithmetic-factory.ts";
import { makeBundle, publish } from "../doubles/bundle.ts";

let miniflare: Miniflare;
let url: URL;

beforeEach(async () => {
  miniflare = new Miniflare({
    workers: [
      await worker("front", { MODEL: { type: "worker", worker: "model" } }),
      await worker("model", { BUCKET: { type: "r2", name: "models" } }),
    ],
  });
  url = await miniflare.ready;
  const { BUCKET } = await miniflare.getBindings<{ BUCKET: R2Bucket }>("model");
  await publish(BUCKET, [makeBundle("small", "1")]);
});
afterEach(() => miniflare.dispose());

type WorkerOptions = ConstructorParameters<typeof Miniflare>[0]["workers"][number];

async function worker(name: string, env: NonNullable<WorkerOptions["config"]["env"]>): Promise<WorkerOptions> {
  const { outputFiles } = await build({
    entryPoints: [new URL(`${name}-worker.ts`, import.meta.url).pathname],
    ...{ bundle: true, format: "esm", target: "es2024", write: false },
    external: ["cloudflare:*", "node:*"],
  });
  const contents = outputFiles[0]?.text ?? "";
  return {
    config: {
      name,
      compatibilityDate: "2026-10-01",
      compatibilityFlags: ["enable_request_signal"],
      manifest: { mainModule: "index.js", modulesRoot: "/", modules: { "index.js": { type: "esm", contents } } },
      env,
    },
  };
}

async function complete(query: string): Promise<{ status: number; samples: number[][] | null }> {
  const response = await fetch(new URL(`/complete?${query}`, url));
  const text = await response.text();
  return { status: response.status, samples: response.ok ? (JSON.parse(text) as number[][]) : null };
}

interface State {
  log: string[];
  loads: number;
  open: number;
  waiting: number;
  used: number;
}

async function state(query = ""): Promise<State> {
  return (await (await fetch(new URL(`/log?${query}`, url))).json()) as State;
}

/** Waits for a state; the log is kept. */
async function until(holds: (state: State) => boolean): Promise<void> {
  await vi.waitFor(async () => expect(holds(await state("keep"))).toBe(true), { timeout: 30_000, interval: 20 });
}

/** Lets go on what was started with `hold`. */
const release = () => fetch(new URL("/release", url));

/** Everything has been given back: nothing open in the engine, and no more held than it grew to: `places` prefixes and samples. */
async function expectTidy(places: number): Promise<void> {
  await vi.waitFor(async () => {
    expect(await state()).toMatchObject({ open: 0, waiting: 0, used: BASE_BYTES + places * SAMPLE_BYTES });
  }, 30_000);
}

test("requests that run at once take turns", async () => {
  await complete("name=warm");
  await state();
  const both = [complete("name=a&samples=1&hold"), complete("name=b&samples=1&hold")];
  await until(({ log }) => log.includes("a") && log.includes("b"));
  await release();
  await Promise.all(both);
  const { log } = await state();
  // Eight rows and a first progress each; one of them may go on a turn before the other.
  for (const each of ["a", "b"]) expect(log.filter((name) => name === each)).toHaveLength(9);
  for (let i = 2; i < log.length - 2; i++) expect(new Set(log.slice(i - 2, i + 1)).size, log.join("")).toBe(2);
});

test("a client that disconnects in the middle stops its work and leaves the others alone", async () => {
  const alone = await complete("name=warm&samples=2");
  await state();
  const [dropped, stays] = await Promise.all([complete("name=gone&dropAfter=100"), complete("name=stays&samples=2")]);
  expect(dropped.status).toBe(499);
  expect(stays).toEqual(alone);
  const { log } = await state();
  expect(log.filter((name) => name === "gone").length).toBeLessThan(9);
  expect(log.filter((name) => name === "stays")).toHaveLength(9);
  await expectTidy(5);
});

test("a client that disconnects from the only request that runs stops its work", async () => {
  await complete("name=warm");
  await state();
  expect((await complete("name=gone&dropAfter=100")).status).toBe(499);
  await until(({ open }) => open === 0);
  expect((await state("keep")).log.filter((name) => name === "gone").length).toBeLessThan(9);
  await expectTidy(2);
});

test("a client that disconnects while it waits for memory is passed over", async () => {
  await complete("name=warm");
  const runs = complete("name=runs&samples=4&hold");
  await until(({ log }) => log.includes("runs"));
  const gone = complete("name=gone&samples=4&droppable");
  await until(({ waiting }) => waiting === 1);
  const next = complete("name=next&samples=4");
  await until(({ waiting }) => waiting === 2);
  await fetch(new URL("/drop?name=gone", url));
  expect((await gone).status).toBe(499);
  await release();
  expect([(await runs).status, (await next).status]).toEqual([200, 200]);
  expect((await state()).log).not.toContain("gone");
  await expectTidy(5);
});

test("a load that a disconnected client began goes on for the others", async () => {
  const [gone, stays] = await Promise.all([
    complete("name=gone&loadDelay=20&dropAfter=60"),
    after(20, () => complete("name=stays&loadDelay=20")),
  ]);
  expect([gone.status, stays.status]).toEqual([499, 200]);
  expect(await state()).toMatchObject({ loads: 1, open: 0 });
});

test("a load that died with its request is begun anew by who shared it", async () => {
  const [gone, stays] = await Promise.all([
    complete("name=gone&loadDelay=200&unprotected&dropAfter=60"),
    after(20, () => complete("name=stays&loadDelay=1&unprotected")),
  ]);
  expect([gone.status, stays.status]).toEqual([499, 200]);
  expect(await state()).toMatchObject({ loads: 2, open: 0 });
});

async function after<T>(ms: number, work: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return work();
}
