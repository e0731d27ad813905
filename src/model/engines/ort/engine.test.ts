import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { describe, expect, test } from "vitest";
import { engineConformance } from "../../../../test/engine-conformance.ts";
import { type Golden, loadGolden } from "../../../../test/golden/load.ts";
import { PREFIX_CHUNK } from "../../engine.ts";
import { OrtEngine } from "./engine.ts";

function load({ shape, bias, file }: Golden): Promise<OrtEngine> {
  return OrtEngine.load({
    graph: file("igpt-rows.onnx"),
    weights: file("weights.safetensors"),
    shape,
    bias,
    wasmModule,
  });
}

// Both sides are float32 on the same weights and differ in the order of their sums and in exp. Measured on the shipped
// model: 2.1e-5 nats in one pixel, 2e-7 in a picture's mean, 5e-7 in a feature.
const ROUNDING = { nll: 1e-4, meanNll: 1e-5, features: 1e-5, tie: 1e-4 };
engineConformance(load, ROUNDING, ["tiny", "biased", "large", "shipped"]);

describe("against the float weights that were quantised", () => {
  const golden = loadGolden("shipped");

  test("nats and features are what int8 explains", async () => {
    const engine = await load(golden);
    const exact = golden.cases.filter((c) => c.given.length > 0);
    for (const { given, float } of exact) {
      if (!float) throw new Error("the shipped model's golden values have float ones too");
      const prefix = engine.openPrefix();
      let difference = 0;
      for (let start = 0; start < given.length; start += PREFIX_CHUNK) {
        const nll = await prefix.append(given.subarray(start, start + PREFIX_CHUNK));
        difference += nll.reduce((sum, nats, i) => sum + (nats - (float.prefixNll[start + i] ?? Number.NaN)), 0);
      }
      // Rounding weights to 1 in 127 of their row's largest moves a picture's mean by a few thousandths of a nat.
      expect(Math.abs(difference) / given.length).toBeLessThan(0.01);
      const features = prefix.features();
      prefix.release();
      expect(cosine(features, float.features)).toBeGreaterThan(0.999);
    }
    engine.release();
  });
});

test("a graph or weights that are damaged are refused, and the next model loads", async () => {
  const golden = loadGolden("tiny");
  const broken = { shape: golden.shape, wasmModule };
  const graph = golden.file("igpt-rows.onnx");
  const weights = golden.file("weights.safetensors");
  await expect(OrtEngine.load({ ...broken, graph: graph.subarray(0, 999), weights })).rejects.toThrow();
  await expect(OrtEngine.load({ ...broken, graph, weights: weights.subarray(0, 999) })).rejects.toThrow();
  (await load(golden)).release();
});

test("a released engine refuses work", async () => {
  const engine = await load(loadGolden("tiny"));
  engine.release();
  engine.release();
  expect(() => engine.openPrefix()).toThrow("released");
});

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
