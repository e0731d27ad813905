/** What `export-triton` writes, served by NVIDIA's own tritonserver, for our Worker and for NVIDIA's clients. */
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { ROOT } from "../../lib/root.ts";
import { Origin } from "../../src/delegation/origin.ts";
import { OriginPool } from "../../src/delegation/pool.ts";
import { encodeRequest, fp32, int64 } from "../../src/delegation/protocol/index.ts";
import { Remote } from "../../src/delegation/remote.ts";
import { parseManifest } from "../../src/model/bundle/manifest.ts";
import type { Model } from "../../src/model/types.ts";
import { loadGolden } from "../golden/load.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { ended, type JobAnswer, picture, submitted } from "../jobs/client.ts";
import { LARGE, MISFIT, versionIn, writeRepository } from "./triton/repository.ts";
import { prepareTriton, TritonProcess } from "./triton/server.ts";

const MODEL = "igpt-small";
/** Pixels a side. Where it does not matter which model it is, it is the large one, which has small weights. */
const SIDES: Readonly<Record<string, number>> = { [MODEL]: 32, [LARGE]: 64 };
/** Rows that are given: the last two of 64 are drawn, the last of 32. */
const KEEP_ROWS: Readonly<Record<string, number>> = { [MODEL]: 31, [LARGE]: 62 };
const ENGINE = "torch-cpu-fp32";
const HERE = join(import.meta.dirname, "triton");
const folder = await mkdtemp(join(tmpdir(), "igpt-triton-"));
const triton = await prepareTriton(join(folder, "server"));
if (typeof triton === "string") console.warn(`Triton is not tested: ${triton}.`);

const COMPLETE = `query ($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) { ranOn engine samples { index nllPerPixel image { tokens } } }
}`;
type Complete = { complete: Pick<JobAnswer, "ranOn" | "engine" | "samples"> };

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(typeof triton === "string")("a real Triton server", { timeout: 300_000 }, () => {
  if (typeof triton === "string") return;
  let server: TritonProcess;
  let worker: TestWorker;
  beforeAll(async () => {
    const { repository, bucket } = await writeRepository(folder);
    server = await TritonProcess.start(triton, repository);
    worker = await startWorker({
      models: bucket,
      vars: {
        ...{ ORIGIN_URLS: server.url, ENGINE: "kernel", FLOOD_GUARD: "off", ORIGIN_WAIT_SECONDS: "60" },
        ...{ JOB_RETRIES: "12", JOB_RETRY_SECONDS: "0.5", JOB_STALL_SECONDS: "60" },
      },
    });
  }, 600_000);
  afterAll(async () => {
    await worker?.close();
    await server?.stop("SIGKILL");
  });

  const complete = (samples: number, options: Record<string, unknown> = {}, model = LARGE) =>
    worker.ask<Complete>(COMPLETE, {
      ...{ image: picture(), samples },
      options: { model, keepRows: KEEP_ROWS[model], seed: 5, execution: "ORIGIN", ...options },
    });
  const job = (variant: number, samples: number) =>
    submitted(worker, {
      ...{ image: picture(variant), samples },
      options: { model: LARGE, keepRows: KEEP_ROWS[LARGE], seed: 6, execution: "ORIGIN" },
    });

  describe("with NVIDIA's clients", () => {
    let clients: Record<string, { sameOverBoth: boolean; refused: Record<string, [string, string][]> }>;
    let references: Record<
      string,
      Record<"nats" | "prefixNats" | "features" | "kl" | "mass", number> & { forcedKept: boolean }
    >;
    beforeAll(async () => {
      const run = async (python: string, script: string, ...args: string[]) =>
        JSON.parse((await promisify(execFile)(python, [join(HERE, script), ...args])).stdout);
      const { http, grpc } = server.ports;
      const models = Object.entries(SIDES).map(([id, side]) => `${id}:${side ** 2}`);
      clients = await run(triton.python, "client.py", String(http), String(grpc), folder, ...models);
      const training = execFileSync("bash", [join(ROOT, "training/env.sh")], { encoding: "utf8" }).trim();
      const served = join(folder, "served");
      const bundleOf = async (id: string) => join(served, "models", id, await versionIn(served, id));
      const bundles = await Promise.all(Object.keys(SIDES).map(bundleOf));
      references = await run(training, "reference.py", folder, ...bundles);
    }, 600_000);

    it.each(Object.entries(SIDES))("%s answers alike over HTTP and gRPC", (model, side) => {
      expect(clients[model]?.sameOverBoth).toBe(true);
      const message = `${side ** 2} + 1 positions, the model has ${side ** 2}`;
      for (const [, said] of clients[model]?.refused.positions ?? [["", ""]]) expect(said).toContain(message);
    });

    it.each(Object.keys(SIDES))(
      "%s has the distribution of the plain model in float32, with the same tokens forced",
      (model) => {
        const reference = references[model];
        if (!reference) throw new Error(`nothing of ${model}`);
        expect(reference.forcedKept).toBe(true);
        for (const key of ["nats", "prefixNats", "features"] as const) expect(reference[key], key).toBeLessThan(1e-3);
        expect(Math.abs(reference.kl)).toBeLessThan(1e-6);
        expect(reference.mass).toBeCloseTo(1, 4);
      },
    );

    it.each([
      ["token", "tokens: 512 is not in 0 .. 511"],
      ["forced", "forced: -2 is not in -1 .. 511"],
      ["nan", "uniforms: nan is not in [0, 1)"],
      ["top-p", "top_p: 0.0 is not above 0"],
      ["temperature", "temperature: inf is not finite"],
      ["length", "uniforms has shape [2, 5] where the other inputs make it [2, 4]"],
      // Triton's own words.
      ["dtype", "expects 'INT64'"],
      ["rows", "batch size does not match"],
      ["dimensions", "unexpected shape for input 'top_k'"],
      ["missing", "expected 6 inputs but got 5"],
    ])("refuses a wrong %s with the reason", (name, message) => {
      const [http, grpc] = clients[MODEL]?.refused[name] ?? [];
      expect(http?.[0]).toBe("400");
      expect(grpc?.[0]).toBe("StatusCode.INVALID_ARGUMENT");
      for (const [, said] of [http, grpc] as [string, string][]) expect(said).toContain(message);
    });
  });

  /** What a reading gives once it stands still: Triton counts a batch a moment after its answers. */
  async function settled<T>(read: () => Promise<T>): Promise<T> {
    for (let before = await read(); ; ) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const now = await read();
      if (isDeepStrictEqual(now, before)) return now;
      before = now;
    }
  }

  /** One row by the protocol: its samples. */
  async function infer(model: string, given: number, generate: number, seed: number, rows = 1) {
    const body = encodeRequest({ inputs: inputs(given, generate, seed, rows), outputs: ["samples"] }, true);
    return fetch(`${server.url}/v2/models/${model}/infer`, {
      method: "POST",
      headers: body.headers,
      body: body.bytes,
    });
  }
  const samples = async (response: Response) => {
    const bytes = Buffer.from(await response.arrayBuffer());
    return bytes.subarray(Number(response.headers.get("inference-header-content-length"))).toString("hex");
  };

  it("batches requests of unlike lengths, and each has what it has alone", async () => {
    const kinds = Array.from({ length: 24 }, (_, i) => [i % 5, 8 + (i % 3), i] as const);
    const alone: string[] = [];
    for (const kind of kinds) alone.push(await samples(await infer(LARGE, ...kind)));
    const counters = async () => ({
      executions: await server.metric("nv_inference_exec_count", LARGE),
      rows: await server.metric("nv_inference_count", LARGE),
      requests: await server.metric("nv_inference_request_success", LARGE),
    });
    const before = await settled(counters);
    const together = await Promise.all(kinds.map(async (kind) => samples(await infer(LARGE, ...kind))));
    const after = await settled(counters);
    expect(together).toEqual(alone);
    expect(after.requests - before.requests).toBe(kinds.length);
    expect(after.rows - before.rows).toBe(kinds.length);
    expect(after.executions - before.executions).toBeLessThan(kinds.length);
  });

  it("is measured under many clients, beside the engine by itself", async () => {
    const { grpc, metrics } = server.ports;
    const file = join(folder, "bench.json");
    const args = [
      ...[join(folder, `served/models/${LARGE}/1`), "--grpc", `127.0.0.1:${grpc}`, "--metrics", `127.0.0.1:${metrics}`],
      ...["--clients", "6", "--rounds", "3", "--given", "40", "--generate", "40", "--repeats", "1", "--json", file],
    ];
    const env = { ...process.env, PYTHONPATH: join(ROOT, "gpu") };
    await promisify(execFile)(triton.python, ["-m", "igpt_gpu.bench.triton", ...args], { env });
    const measured = JSON.parse(await readFile(file, "utf8")) as Record<string, number | string>;
    expect(measured).toMatchObject({ model: LARGE, engine: ENGINE, clients: 6, nv_inference_count: 18 });
    expect(measured.nv_inference_exec_count).toBeLessThan(18);
    for (const rate of ["before", "after", "completionsPerSecond", "ofEngine"])
      expect(measured[rate]).toBeGreaterThan(0);
  });

  it("out of memory ends that request alone", async () => {
    const [large, small] = await Promise.all([infer(MISFIT, 0, 200, 1), infer(MISFIT, 0, 8, 2)]);
    expect(large.status).toBe(503);
    expect(await large.text()).toContain("out of memory");
    expect(small.status).toBe(200);
    expect((await infer(MISFIT, 0, 8, 3)).status).toBe(200);
  });

  it.each(Object.entries(SIDES))("%s completes for the Worker, and names itself", async (model, side) => {
    const [two, three] = [await complete(2, {}, model), await complete(3, {}, model)];
    expect(two.data?.complete).toMatchObject({ ranOn: "ORIGIN", engine: ENGINE });
    const [one, other] = tokensOf(two.data?.complete);
    expect(one).toHaveLength(side ** 2);
    expect(tokensOf(three.data?.complete).slice(0, 2)).toEqual([one, other]);
    expect(one).not.toEqual(other);
  });

  it("fills with candidates, which the Worker drives step by step", async () => {
    const { data } = await complete(1, { candidates: 4 });
    expect(data?.complete).toMatchObject({ ranOn: "ORIGIN", engine: ENGINE });
  });

  it.each([
    ["half", 32],
    [LARGE, 64],
  ] as const)("embeds and reads for the Worker what only an origin runs: %s", async (id, side) => {
    const pixels = side ** 2;
    const query = `query ($image: ImageInput!) {
      embed(image: $image, model: "${id}") { layer vector } likelihood(image: $image, model: "${id}") { nllPerPixel perPixel }
    }`;
    const { embed, likelihood } = await worker.data<{
      embed: { layer: number; vector: number[] };
      likelihood: { nllPerPixel: number; perPixel: number[] };
    }>(query, { image: picture() });
    expect(embed.vector).toHaveLength(32);
    expect(likelihood.perPixel).toHaveLength(pixels);
    expect(likelihood.perPixel.reduce((sum, nats) => sum + nats, 0) / pixels).toBeCloseTo(likelihood.nllPerPixel, 4);

    const model = await modelOf(id);
    const remote = new Remote(new OriginPool([new Origin({ url: server.url, headers: {} }, fetch)]));
    const golden = loadGolden(id).cases.find(({ given }) => given.length === pixels);
    if (!golden) throw new Error(`${id}.json has no whole picture`);
    const { perPixel } = await remote.likelihood(model, golden.given, 60_000);
    const [embedding] = await remote.embed(model, [golden.given], 1, 60_000);
    expect(worst(perPixel, golden.prefixNll)).toBeLessThan(1e-3);
    if (!embedding || !("vector" in embedding)) throw embedding ?? new Error("no embedding");
    expect(worst(embedding.vector, golden.features.subarray(model.width, 2 * model.width))).toBeLessThan(1e-3);
  });

  it("another model under the name of the Worker's is a typed error, whose message says whom to tell", async () => {
    const { errors } = await complete(1, {}, MISFIT);
    expect(errors).toMatchObject([{ extensions: { code: "ORIGIN_UNAVAILABLE" } }]);
    expect(errors[0]?.message).toMatch(new RegExp(`does not fit the bundle of ${MISFIT}, version \\d+`));
  });

  it("carries out a job of 64 samples in chunks", async () => {
    const succeeded = () => server.metric("nv_inference_request_success", LARGE);
    const before = await settled(succeeded);
    const answer = await ended(worker, await job(1, 64));
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: ENGINE, error: null });
    expect(answer.samples.map(({ index }) => index)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(await settled(succeeded)).toBeGreaterThanOrEqual(before + 4);
  });

  it("stops what its client gives up; a job that is cancelled meanwhile ends", async () => {
    // It keeps the one instance busy until it is given up.
    const long = spawn(triton.python, [join(HERE, "cancel.py"), String(server.ports.grpc), LARGE, "4096"]);
    let said = "";
    long.stdout.on("data", (chunk) => (said += String(chunk)));
    const waiting = () => server.metric("nv_inference_pending_request_count", LARGE);
    const behind: Promise<Response>[] = [];
    // A short one that still waits when the next is sent stands behind the long one: by itself it takes a few milliseconds.
    const stillWaiting = async () => {
      const count = await waiting();
      behind.push(infer(LARGE, 3, 4, 1));
      return count;
    };
    await expect.poll(() => said, { timeout: 60_000 }).toBe("sent\n");
    await expect.poll(stillWaiting, { interval: 500, timeout: 60_000 }).toBeGreaterThan(0);
    const id = await job(2, 64);
    await worker.data("mutation ($id: ID!) { cancelCompletion(id: $id) { status } }", { id });
    expect(await ended(worker, id)).toMatchObject({ status: "CANCELLED" });
    long.stdin.end("\n");
    // Under way, or in Triton's queue, where a short one had come before it.
    const givenUp = async () =>
      /gave up 1 of \d+ requests/.test(server.log) ||
      (await server.metric("nv_inference_request_failure", LARGE, 'reason="CANCELED"')) > 0;
    await expect.poll(givenUp, { timeout: 60_000 }).toBe(true);
    expect(said).toBe("sent\nStatusCode.CANCELLED\n");
    for (const answer of await Promise.all(behind)) expect(answer.status).toBe(200);
  });

  it("a job survives a server that is killed; a query is told", async () => {
    const undisturbed = await ended(worker, await job(3, 32));
    const id = await job(3, 32);
    await server.stop("SIGKILL");
    const { errors } = await complete(1);
    expect(errors).toMatchObject([{ extensions: { code: "ORIGIN_UNAVAILABLE" } }]);
    await server.start([LARGE]);
    const answer = await ended(worker, id);
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: ENGINE });
    expect(tokensOf(answer)).toEqual(tokensOf(undisturbed));
  });
});

const tokensOf = (answer: Pick<JobAnswer, "samples"> | undefined) =>
  answer?.samples.map(({ image }) => image.tokens) ?? [];

function inputs(given: number, generate: number, seed: number, rows: number) {
  const fill = (value: number) => new Float32Array(rows).fill(value);
  return [
    int64(
      "tokens",
      [rows, given],
      Array.from({ length: rows * given }, (_, i) => (i * 7 + seed) % 64),
    ),
    int64("forced", [rows, generate], new Array<number>(rows * generate).fill(-1)),
    fp32(
      "uniforms",
      [rows, generate],
      Float32Array.from({ length: rows * generate }, (_, i) => ((i * 37 + seed * 11) % 97) / 97),
    ),
    ...[fp32("temperature", [rows, 1], fill(1)), int64("top_k", [rows, 1], new Array<number>(rows).fill(0))],
    fp32("top_p", [rows, 1], fill(1)),
  ];
}

async function modelOf(id: string): Promise<Model> {
  const source = openFolder(join(folder, "bucket"));
  const manifest = parseManifest(String(await source.get(`models/${id}/1/manifest.json`)));
  const { version, parameters, embeddingLayer } = manifest;
  return {
    ...{ id, version, parameters, embeddingLayer, ...manifest.architecture },
    ...{ edgeSamples: 0, edgeCandidates: 0, testNllPerPixel: null, recommended: null, manifest },
  };
}

function worst(actual: ArrayLike<number>, right: Float32Array): number {
  expect(actual.length).toBe(right.length);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - (right[i] ?? Number.NaN))));
}
