import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { arithmeticFactory, BASE_BYTES, SAMPLE_BYTES } from "../../test/doubles/arithmetic-factory.ts";
import { makeBundle, openBucket, publish } from "../../test/doubles/bundle.ts";
import { MemoryBudget } from "../admission/budget.ts";
import { CACHE_MS } from "./bundle/repository.ts";
import { ModelService } from "./service.ts";
import type { CompletionProgress } from "./types.ts";

let bucket: R2Bucket;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ bucket, close } = await openBucket());
});
afterAll(() => close());

const small = makeBundle("small", "1");
const other = makeBundle("other", "1");
const heavy = makeBundle("heavy", "1", { precision: "fp16" });
const WEIGHTS = "models/small/1/weights.safetensors";
const picture = Int32Array.from({ length: 64 }, (_, pixel) => pixel % 16);

beforeEach(async () => {
  await publish(bucket, [small, other, heavy]);
});

/** Room for `samples` samples beside one loaded model. */
const roomFor = (samples: number) => BASE_BYTES + (1 + samples) * SAMPLE_BYTES;

function open(capacity = roomFor(8), doubles: Parameters<typeof arithmeticFactory>[0] = {}) {
  const { factory, loads } = arithmeticFactory(doubles);
  const budget = new MemoryBudget({ capacity, maxWaiting: 4, maxWaitMs: 2_000 });
  const kept: Promise<unknown>[] = [];
  const service = new ModelService({
    bucket,
    engine: async () => factory,
    budget,
    reserve: 0,
    waitUntil: (work) => kept.push(work),
  });
  return { service, budget, loads, kept };
}

test("models and their data, the default one first asked for by no name", async () => {
  const { service, loads } = open();
  const models = await service.models();
  expect(models.map(({ id, edgeSamples }) => [id, edgeSamples])).toEqual([
    ["small", 16],
    ["other", 16],
    ["heavy", 0],
  ]);
  const model = await service.model();
  expect(model).toEqual(models[0]);
  expect(model).toMatchObject({
    version: "1",
    layers: 2,
    width: 4,
    heads: 2,
    resolution: 8,
    colors: 16,
    embeddingLayer: 1,
  });
  expect(model.testNllPerPixel).toBe(2.5);
  await expect(service.model("nobody")).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
  expect(loads).toHaveLength(0);
});

test("a damaged bundle is left out of the list and leaves the others alone", async () => {
  await bucket.put("models/other/1/manifest.json", "{}");
  const { service } = open();
  expect((await service.models()).map(({ id }) => id)).toEqual(["small", "heavy"]);
  await expect(service.model("other")).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
});

test("complete, embed and likelihood give what they took back", async () => {
  const { service, budget, loads, kept } = open();
  const model = await service.model();
  const spec = service.plan(model, 3, { seed: 5, keepRows: 4 });
  const result = await service.completed(model, picture, spec);
  expect(result.samples).toHaveLength(3);
  expect(new Set(result.samples.map(({ tokens }) => tokens.join())).size).toBe(3);
  expect((await service.completed(model, picture, spec)).samples).toEqual(result.samples);
  expect((await service.embed(model, picture)).layer).toBe(1);
  expect(await service.embedMany(model, [picture, picture])).toEqual([
    await service.embed(model, picture),
    await service.embed(model, picture),
  ]);
  expect((await service.likelihood(model, picture)).perPixel).toHaveLength(64);
  expect(loads).toHaveLength(1);
  expect(loads[0]?.engine?.log.open).toBe(0);
  // The engine's base, and what its memory grew to: one prefix and three samples.
  expect(budget.used).toBe(BASE_BYTES + 4 * SAMPLE_BYTES);
  await Promise.all(kept);
});

test("requests beyond the edge are refused with what to do", async () => {
  const { service } = open();
  const model = await service.model();
  const spec = service.plan(model, 17);
  await expect(service.completed(model, picture, spec)).rejects.toMatchObject({
    code: "JOB_TOO_LARGE",
    message: expect.stringContaining("up to 16"),
  });
  const elsewhere = service.plan(model, 1, { execution: "ORIGIN" });
  await expect(service.completed(model, picture, elsewhere)).rejects.toMatchObject({ code: "ORIGIN_UNAVAILABLE" });
  const big = await service.model("heavy");
  await expect(service.completed(big, picture, service.plan(big, 1))).rejects.toMatchObject({ code: "JOB_TOO_LARGE" });
  await expect(service.embed(big, picture)).rejects.toMatchObject({ code: "JOB_TOO_LARGE" });
  await expect(service.embedMany(model, [])).rejects.toMatchObject({ code: "BAD_OPTION" });
  await expect(service.embedMany(model, new Array(65).fill(picture))).rejects.toMatchObject({ code: "BAD_OPTION" });
  await expect(service.embed(model, picture, 3)).rejects.toMatchObject({ code: "BAD_OPTION" });
  await expect(service.embed(model, picture.subarray(1))).rejects.toThrow(RangeError);
});

test("samples beyond what memory holds at once run in batches and come out the same", async () => {
  const wide = open(roomFor(8));
  const narrow = open(roomFor(3));
  const model = await narrow.service.model();
  expect(model.edgeSamples).toBe(12);
  const spec = narrow.service.plan(model, 6, { seed: 1 });
  const result = await narrow.service.completed(model, picture, spec);
  expect(result).toEqual(await wide.service.completed(await wide.service.model(), picture, spec));
  expect(narrow.loads[0]?.engine?.log.turns.filter((turn) => turn.startsWith("row 3x"))).toHaveLength(8);
});

test("a request is admitted by the prefix that it has: more of its samples run at once", async () => {
  // Samples share a prefix, so of a picture of which 32 of 64 pixels are given each takes half of its bytes.
  const requestBytes = (samples: number, given = 0) => SAMPLE_BYTES * (1 + samples * (1 - given / 64));
  const { service, loads } = open(roomFor(2), { requestBytes });
  const model = await service.model();
  expect(model.edgeSamples).toBe(8);
  const rowsOf = async (keepRows: number) => {
    const log = loads[0]?.engine?.log.turns.length ?? 0;
    await service.completed(model, picture, service.plan(model, 4, { seed: 1, keepRows }));
    return new Set(loads[0]?.engine?.log.turns.slice(log).filter((turn) => turn.startsWith("row")));
  };
  expect(await rowsOf(0)).toEqual(new Set(["row 2x8"]));
  expect(await rowsOf(4)).toEqual(new Set(["row 4x8"]));
});

test("many at once share one load and never exceed the budget", async () => {
  let most = 0;
  const { service, budget, loads } = open(roomFor(8), {
    onTurn: () => {
      most = Math.max(most, budget.used);
    },
  });
  const model = await service.model();
  const specs = [4, 2, 1, 4].map((samples, i) => service.plan(model, samples, { seed: i }));
  const results = await Promise.all(specs.map((spec) => service.completed(model, picture, spec)));
  expect(results.map(({ samples }) => samples.length)).toEqual([4, 2, 1, 4]);
  expect(loads).toHaveLength(1);
  expect(most).toBeLessThanOrEqual(budget.capacity);
  expect(most).toBeGreaterThan(roomFor(4));
  expect(loads[0]?.engine?.log.open).toBe(0);
});

test("past the bounded queue, BUSY; the ones before it are served", async () => {
  const { service } = open(roomFor(8));
  const model = await service.model();
  const spec = service.plan(model, 8, { seed: 1 });
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => service.completed(model, picture, spec)));
  // One runs, four wait.
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
  for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "BUSY" });
});

test("corrupt weights fail everybody who shares the load, and the next request loads again", async () => {
  const damaged = small.weights.slice();
  damaged[damaged.length - 1] = 1 ^ (damaged.at(-1) ?? 0);
  await bucket.put(WEIGHTS, damaged);
  const { service, budget, loads } = open();
  const model = await service.model();
  const asked = await Promise.allSettled([service.embed(model, picture), service.likelihood(model, picture)]);
  for (const result of asked) expect(result).toMatchObject({ status: "rejected", reason: { code: "MODEL_CORRUPT" } });
  expect(loads).toHaveLength(1);
  expect(budget.used).toBe(0);
  await bucket.put(WEIGHTS, small.weights);
  expect((await service.embed(model, picture)).vector).toHaveLength(4);
  expect(budget.used).toBeGreaterThan(BASE_BYTES);
});

test("a load goes on for the others when the request that began it leaves", async () => {
  const gate = Promise.withResolvers<void>();
  const { service, loads } = open(roomFor(8), { whileLoading: () => gate.promise });
  const model = await service.model();
  const controller = new AbortController();
  const first = service.embed(model, picture, null, controller.signal);
  const second = service.embed(model, picture);
  await vi.waitFor(() => expect(loads).toHaveLength(1), 30_000);
  controller.abort(new Error("disconnected"));
  await expect(first).rejects.toThrow("disconnected");
  gate.resolve();
  expect((await second).vector).toHaveLength(4);
  expect(loads).toHaveLength(1);
});

test("who leaves a completion early gives everything back", async () => {
  const { service, budget, loads } = open();
  const model = await service.model();
  const spec = service.plan(model, 2, { keepRows: 0 });
  for await (const { rowsDone } of service.complete(model, picture, spec)) if (rowsDone === 2) break;
  const log = loads[0]?.engine?.log;
  expect(log?.turns.filter((turn) => turn.startsWith("row"))).toHaveLength(2);
  expect(log?.open).toBe(0);

  const controller = new AbortController();
  const rows: CompletionProgress[] = [];
  const watched = (async () => {
    for await (const progress of service.complete(model, picture, spec, controller.signal)) {
      rows.push(progress);
      if (progress.rowsDone === 3) controller.abort(new Error("stop"));
    }
  })();
  await expect(watched).rejects.toThrow("stop");
  expect(rows).toHaveLength(4);
  expect(log?.open).toBe(0);
  expect(budget.used).toBe(BASE_BYTES + 3 * SAMPLE_BYTES);
});

test("an idle model gives way to another one, and to pictures", async () => {
  const { service, budget, loads } = open(roomFor(2));
  const model = await service.model();
  await service.embed(model, picture);
  await service.embed(await service.model("other"), picture);
  expect(loads.map(({ engine }) => engine?.log.released)).toEqual([true, false]);
  const lease = await budget.acquire(roomFor(2));
  expect(loads.map(({ engine }) => engine?.log.released)).toEqual([true, true]);
  lease.release();
  await service.embed(model, picture);
  expect(loads).toHaveLength(3);
});

test("a request keeps to its version; the old engine goes with its last user", async () => {
  const gate = Promise.withResolvers<void>();
  let turns = 0;
  const { service, loads } = open(2 * roomFor(8), { onTurn: () => (turns++ === 3 ? gate.promise : undefined) });
  const model = await service.model();
  const running = service.completed(model, picture, service.plan(model, 1));
  await vi.waitFor(() => expect(turns).toBe(4), 30_000);
  await publish(bucket, [makeBundle("small", "2")]);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + CACHE_MS });
  try {
    const next = await service.model();
    expect(next.version).toBe("2");
    expect(loads[0]?.engine?.log.released).toBe(false);
    gate.resolve();
    await running;
    expect(loads[0]?.engine?.log.released).toBe(true);
    await service.embed(next, picture);
    expect(loads.map(({ version }) => version)).toEqual(["1", "2"]);
    // Who took the old version before still gets it.
    await service.embed(model, picture);
    expect(loads.map(({ version }) => version)).toEqual(["1", "2", "1"]);
  } finally {
    vi.useRealTimers();
  }
});
