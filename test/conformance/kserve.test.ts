/** KServe's own server as an origin: it knows no versions of a model, no binary form, and wants an id with every request. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { ASSETS, ROOT } from "../../lib/root.ts";
import { Origin } from "../../src/delegation/origin.ts";
import { OriginPool } from "../../src/delegation/pool.ts";
import { Remote } from "../../src/delegation/remote.ts";
import { parseManifest } from "../../src/model/bundle/manifest.ts";
import type { CompletionSpec, Model } from "../../src/model/types.ts";
import { loadGolden } from "../golden/load.ts";
import { freePort } from "../origin/process.ts";
import { SHIPPED } from "../shipped.ts";
import { pythonOf, untilReady } from "./python.ts";

const FOLDER = join(import.meta.dirname, "kserve");
const BUNDLE = `models/${SHIPPED.id}/${SHIPPED.version}`;
const WAIT_MS = 120_000;

let server: ChildProcess;
let remote: Remote;
let model: Model;
beforeAll(async () => {
  const port = await freePort();
  const graph = join(ROOT, "r2-assets", BUNDLE, "igpt.onnx");
  const args = [join(FOLDER, "server.py"), graph, SHIPPED.id, String(port)];
  server = spawn(pythonOf(FOLDER, "kserve"), args, { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(`${url}/v2/models/${SHIPPED.id}/ready`, server);
  remote = new Remote(new OriginPool([new Origin({ url, headers: {} }, fetch)]));
  const manifest = parseManifest(String(await openFolder(ASSETS).get(`${BUNDLE}/manifest.json`)));
  const { id, version, parameters, embeddingLayer } = manifest;
  model = {
    ...{ id, version, parameters, embeddingLayer, ...manifest.architecture },
    ...{ edgeSamples: 0, edgeCandidates: 0, testNllPerPixel: null, recommended: null, manifest },
  };
}, 600_000);
afterAll(() => {
  server?.kill();
});

it("completes, embeds and reads, in JSON", async () => {
  const photo = loadGolden("shipped").cases.find(({ given }) => given.length === 1024);
  if (!photo) throw new Error("shipped.json has no whole picture");
  const { width } = model;
  const likelihood = await remote.likelihood(model, photo.given, WAIT_MS);
  expect(worst(likelihood.perPixel, photo.prefixNll)).toBeLessThan(1e-3);
  const [embedding] = await remote.embed(model, [photo.given], 3, WAIT_MS);
  if (!embedding || !("vector" in embedding)) throw embedding ?? new Error("no embedding");
  expect(worst(embedding.vector, photo.features.subarray(3 * width, 4 * width))).toBeLessThan(1e-3);

  const spec: CompletionSpec = {
    ...{ samples: 3, seed: 9, execution: "ORIGIN", keepRows: 31, sampling: { temperature: 1, topK: 0, topP: 1 } },
    keep: Array.from({ length: 1024 }, (_, pixel) => pixel < 992),
  };
  const complete = (count: number) => remote.complete(model, photo.given, spec, { first: 0, count }, WAIT_MS);
  const [two, three] = [await complete(2), await complete(3)];
  expect(three.engine).toBe("onnx");
  expect(three.samples.slice(0, 2)).toEqual(two.samples);
  expect(three.samples.every(({ nllPerPixel }) => nllPerPixel > 0 && nllPerPixel < 20)).toBe(true);
}, 600_000);

function worst(actual: ArrayLike<number>, right: Float32Array): number {
  expect(actual.length).toBe(right.length);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - (right[i] ?? Number.NaN))));
}
