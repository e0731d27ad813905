/** The engine in workerd: that it starts there at all, and computes there what it computes in Node, bit for bit. */
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { ROOT } from "../../../lib/root.ts";
import { OrtEngine } from "../../../src/model/engines/ort/engine.ts";
import { loadGolden } from "../../golden/load.ts";
import { type Job, type Outcome, outcomeOf } from "./worker.ts";

const harness = createTestHarness({ root: ROOT, workers: [{ configPath: "test/workers/ort/wrangler.toml" }] });
let url: URL;
beforeAll(async () => {
  ({ url } = await harness.listen());
});
afterAll(() => harness.close());

test("the same bits as in Node, and once more in the same isolate", async () => {
  const { shape, file } = loadGolden("tiny");
  const job: Job = {
    shape,
    tokens: Array.from({ length: 300 }, (_, i) => (i * 7) % shape.colors),
    samples: 2,
    uniforms: [0, 1].map((row) => Array.from({ length: 64 }, (_, i) => Math.abs(Math.sin(row * 64 + i + 1)))),
  };
  const files = { graph: file("igpt-rows.onnx"), weights: file("weights.safetensors") };
  const engine = await OrtEngine.load({ ...files, shape, wasmModule });
  const here = await outcomeOf(engine, job);
  engine.release();
  const there = async () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
    const body = JSON.stringify({ ...job, graph: text(files.graph), weights: text(files.weights) });
    const response = await fetch(url, { method: "POST", body });
    expect(response.status).toBe(200);
    return (await response.json()) as Outcome;
  };
  expect(await there()).toEqual(here);
  expect(await there()).toEqual(here);
});
