/**
 * The Worker with an origin that does what the edge cannot: a model in half precision, from the bucket to the answer, held
 * against PyTorch's values for the same weights.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { readIndex } from "../../bundles/publish.ts";
import { ROOT } from "../../lib/root.ts";
import { parseManifest } from "../../src/model/bundle/manifest.ts";
import { loadGolden } from "../golden/load.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { BadProxy } from "../jobs/bad-proxy.ts";
import { ended, submit, submitted } from "../jobs/client.ts";
import { OriginProcess } from "./process.ts";

const golden = loadGolden("half");
const whole = golden.cases.find(({ given }) => given.length === 1024);
const lastRow = golden.cases.find(({ given }) => given.length === 992);
if (!whole || !lastRow) throw new Error("half.json has other cases than these tests need");

let models: string;
let origin: OriginProcess;
let proxy: BadProxy;
let worker: TestWorker;
/** The golden cases' pictures: in the palette's own colours, so that they become the very tokens. */
let picture: { base64: string };
let shorter: { base64: string };

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), "igpt-half-"));
  await cp(join(ROOT, "r2-assets"), models, { recursive: true });
  await cp(join(import.meta.dirname, "../golden/half"), join(models, "models/half/1"), { recursive: true });
  const folder = openFolder(models);
  const index = await readIndex((key) => folder.get(key));
  const entries = { ...index?.models, half: { version: "1", versions: ["1"] } };
  await folder.put("models/index.json", Buffer.from(JSON.stringify({ ...index, models: entries })));
  const { palette } = parseManifest(new TextDecoder().decode(golden.file("manifest.json")));
  picture = painted(whole.given, palette);
  shorter = painted(lastRow.given, palette);
  origin = await OriginProcess.start(["--models", models]);
  proxy = await BadProxy.start(origin.url);
  // Anything but the smallest is for the origin.
  const vars = { ORIGIN_URLS: proxy.url, ENGINE: "kernel", EDGE_BUDGET_GIGAMACS: "0.001", JOB_STALL_SECONDS: "6" };
  worker = await startWorker({ models, vars });
});
afterAll(async () => {
  await worker?.close();
  await proxy?.stop();
  await origin?.stop("SIGKILL");
  await rm(models, { recursive: true });
});
afterEach(() => {
  proxy.harms = [];
  proxy.always = "nothing";
});

interface Completed {
  ranOn: string;
  engine: string;
  samples: { index: number; nllPerPixel: number; image: { tokens: number[] } }[];
}
const COMPLETED = "ranOn engine samples { index nllPerPixel image { tokens } }";
const options = { model: "half", keepRows: 31, temperature: 0, seed: 1 };
const complete = async (variables: Record<string, unknown>) => {
  const query = `query ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
    complete(image: $image, samples: $samples, options: $options) { ${COMPLETED} } }`;
  return (await worker.data<{ complete: Completed }>(query, variables)).complete;
};

describe("a model in half precision", () => {
  it("is one that the edge does not run", async () => {
    const query = '{ model(id: "half") { edgeSamples layers } }';
    expect(await worker.data(query)).toEqual({ model: { edgeSamples: 0, layers: 2 } });
    const refused = await submit(worker, { image: shorter, options: { ...options, execution: "EDGE" } });
    expect(refused.userErrors).toMatchObject([{ code: "JOB_TOO_LARGE" }]);
  });

  it("is completed by the origin, as PyTorch does", async () => {
    const { ranOn, engine, samples } = await complete({ image: shorter, samples: 2, options });
    expect({ ranOn, engine }).toEqual({ ranOn: "ORIGIN", engine: "onnx" });
    expect(samples.map(({ index }) => index)).toEqual([0, 1]);
    for (const { image, nllPerPixel } of samples) {
      expect(image.tokens).toEqual([...lastRow.given, ...lastRow.greedy]);
      expect(nllPerPixel).toBeCloseTo(mean(lastRow.greedyNll), 3);
    }
  });

  it("is completed in a job as in a request", async () => {
    const sampled = { ...options, temperature: 1, seed: 44 };
    const job = await ended(worker, await submitted(worker, { image: shorter, samples: 20, options: sampled }));
    expect(job).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: "onnx", error: null });
    const request = await complete({ image: shorter, samples: 20, options: sampled });
    expect(job.samples).toEqual(request.samples);
    expect(new Set(job.samples.map(({ image }) => image.tokens.join())).size).toBe(20);
  });

  it("embeds one picture, or many, in any layer, as PyTorch does", async () => {
    const { layers, width } = golden.shape;
    const one =
      'query ($image: ImageInput!, $layer: Int) { embed(image: $image, model: "half", layer: $layer) { layer dimensions vector } }';
    type One = { embed: { layer: number; dimensions: number; vector: number[] } };
    for (let layer = 0; layer <= layers; layer++) {
      const { embed } = await worker.data<One>(one, { image: picture, layer });
      expect(embed).toMatchObject({ layer, dimensions: width });
      expectClose(embed.vector, whole.features.subarray(layer * width, (layer + 1) * width));
    }
    // Seventeen: more than one call takes.
    const images = Array.from({ length: 17 }, (_, i) => (i % 2 ? picture : shorter));
    const many = 'query ($images: [ImageInput!]!) { embedMany(images: $images, model: "half", layer: 1) { vector } }';
    const { embedMany } = await worker.data<{ embedMany: { vector: number[] }[] }>(many, { images });
    expect(embedMany).toHaveLength(17);
    for (const [i, { vector }] of embedMany.entries()) {
      if (i % 2) expectClose(vector, whole.features.subarray(width, 2 * width));
      else expect(vector).toEqual(embedMany[0]?.vector);
    }
    expect(embedMany[0]?.vector).not.toEqual(embedMany[1]?.vector);
  });

  it("refuses as the edge does: no pictures, too many, a layer that is not there", async () => {
    const many =
      'query ($images: [ImageInput!]!, $layer: Int) { embedMany(images: $images, model: "half", layer: $layer) { layer } }';
    const calls = proxy.calls;
    for (const variables of [{ images: [] }, { images: Array(65).fill(picture) }, { images: [picture], layer: 3 }]) {
      expect((await worker.ask(many, variables)).errors[0]?.extensions.code).toBe("BAD_OPTION");
    }
    expect(proxy.calls).toBe(calls);
  });

  it("says how likely a picture is, as PyTorch does", async () => {
    const query =
      'query ($image: ImageInput!) { likelihood(image: $image, model: "half") { nllPerPixel bitsPerPixel perPixel } }';
    type Answer = { likelihood: { nllPerPixel: number; bitsPerPixel: number; perPixel: number[] } };
    const { likelihood } = await worker.data<Answer>(query, { image: picture });
    expectClose(likelihood.perPixel, whole.prefixNll);
    expect(likelihood.nllPerPixel).toBeCloseTo(mean(whole.prefixNll), 4);
    expect(likelihood.bitsPerPixel).toBeCloseTo(likelihood.nllPerPixel / Math.LN2, 5);
  });

  it("is read elsewhere only if its origin answers: another place there is not", async () => {
    proxy.always = "status 500";
    const embed = await worker.ask('query ($image: ImageInput!) { embed(image: $image, model: "half") { layer } }', {
      image: picture,
    });
    expect(embed.errors[0]?.extensions.code).toBe("ORIGIN_UNAVAILABLE");
    expect(embed.errors[0]?.message).not.toContain("127.0.0.1");
  });

  it("keeps the embeddings of one call to the origin when another call fails", async () => {
    // Sixteen, sixteen and eight.
    const images = Array.from({ length: 40 }, () => picture);
    const many = 'query ($images: [ImageInput!]!) { embedMany(images: $images, model: "half") { vector } }';
    proxy.harms = ["nothing", "hangs up"];
    const { data, errors } = await worker.ask<{ embedMany: ({ vector: number[] } | null)[] }>(many, { images });
    const there = data?.embedMany.map((each) => each !== null);
    expect(there).toEqual(Array.from({ length: 40 }, (_, i) => i < 16 || i >= 32));
    expect(errors.map(({ path }) => path)).toEqual(Array.from({ length: 16 }, (_, i) => ["embedMany", 16 + i]));
    expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set(["ORIGIN_UNAVAILABLE"]));
  });

  it("says whom to turn to where its origin calls it wrong", async () => {
    proxy.always = "status 400";
    for (const field of ["embed", "likelihood"]) {
      const query = `query ($image: ImageInput!) { ${field}(image: $image, model: "half") { model { id } } }`;
      const { errors } = await worker.ask(query, { image: picture });
      const message = expect.stringMatching(/does not fit.* half, version 1.*will not help.*operator/);
      expect(errors).toMatchObject([{ message, extensions: { code: "ORIGIN_UNAVAILABLE" } }]);
    }
  });
});

describe("Subscription.complete by an origin", () => {
  interface Event {
    status: string;
    rowsDone: number;
    rowsTotal: number;
    samples: { index: number; tokens: number[] }[];
    completion: Completed | null;
  }
  async function watch(variables: Record<string, unknown>) {
    const query = `subscription ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
      complete(image: $image, samples: $samples, options: $options) {
        status rowsDone rowsTotal samples { index tokens } completion { ${COMPLETED} } } }`;
    const response = await worker.request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query, variables }),
    });
    const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
    type Message = { data?: { complete: Event } | null; errors?: { extensions: { code: string } }[] };
    const messages = lines.map((line) => JSON.parse(line.slice(6)) as Message);
    return {
      events: messages.flatMap(({ data }) => (data ? [data.complete] : [])),
      codes: messages.flatMap(({ errors }) => (errors ?? []).map(({ extensions }) => extensions.code)),
    };
  }

  it("shows the samples as they come, and ends with what the query gives", async () => {
    const sampled = { ...options, keepRows: 30, temperature: 1, seed: 9 };
    const { events, codes } = await watch({ image: shorter, samples: 10, options: sampled });
    expect(codes).toEqual([]);
    const [start] = events;
    const last = events.at(-1);
    expect(start).toMatchObject({ status: "RUNNING", rowsDone: 0, rowsTotal: 2, completion: null });
    expect(start?.samples).toHaveLength(10);
    expect(start?.samples.every(({ tokens }) => tokens.indexOf(-1) === 960 && tokens.length === 1024)).toBe(true);
    const whole = events.map(({ samples }) => samples.filter(({ tokens }) => !tokens.includes(-1)).length);
    // Ten samples in three calls.
    expect(whole).toEqual([0, 3, 6, 10, 10]);
    expect(last).toMatchObject({ status: "SUCCEEDED", rowsDone: 2, completion: { ranOn: "ORIGIN", engine: "onnx" } });
    const query = await complete({ image: shorter, samples: 10, options: sampled });
    expect(last?.completion).toEqual(query);
    expect(last?.samples.map(({ tokens }) => tokens)).toEqual(query.samples.map(({ image }) => image.tokens));
  });

  const small = { keepRows: 31, seed: 6 };
  it("goes on at the edge when the origin fails in its midst, where the model allows it", async () => {
    // The first call is answered, no other one is.
    proxy.harms = ["nothing"];
    proxy.always = "hangs up";
    const { events, codes } = await watch({ image: picture, samples: 8, options: small });
    expect(codes).toEqual([]);
    expect(events.at(-1)).toMatchObject({ status: "SUCCEEDED", completion: { ranOn: "EDGE", engine: "kernel" } });
    proxy.always = "nothing";
    const edge = await complete({ image: picture, samples: 8, options: { ...small, execution: "EDGE" } });
    expect(events.at(-1)?.completion?.samples).toEqual(edge.samples);
  });

  it("ends with an error where only the origin may do it", async () => {
    proxy.always = "hangs up";
    const { events, codes } = await watch({ image: shorter, samples: 2, options: { ...small, execution: "ORIGIN" } });
    expect(codes).toEqual(["ORIGIN_UNAVAILABLE"]);
    expect(events.every(({ status }) => status === "RUNNING")).toBe(true);
  });
});

/** A picture of 32x32 in base64 whose first pixels have these colours of the palette. */
function painted(tokens: Int32Array, palette: readonly (readonly [number, number, number])[]): { base64: string } {
  const png = new PNG({ width: 32, height: 32 });
  for (let i = 0; i < 1024; i++) png.data.set([...(palette[tokens[i] ?? 0] ?? [0, 0, 0]), 255], i * 4);
  return { base64: PNG.sync.write(png).toString("base64") };
}

function expectClose(actual: readonly number[], right: Float32Array): void {
  expect(actual).toHaveLength(right.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - (right[i] ?? Number.NaN))));
  expect(worst).toBeLessThan(1e-3);
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
