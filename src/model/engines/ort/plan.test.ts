/** A file of its own: the linear memory must not have grown for another model before. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { expect, test } from "vitest";
import { ROOT } from "../../../../lib/root.ts";
import { parseManifest } from "../../bundle/manifest.ts";
import { PREFIX_CHUNK } from "../../engine.ts";
import { OrtEngine } from "./engine.ts";
import { groupSize, heapBytes, requestBytes } from "./plan.ts";

const L8 = { layers: 8, width: 256, heads: 8, positions: 1024, colors: 512 };
const MIB = 2 ** 20;

test("igpt-small's linear memory is taken at load, and the largest requests stay within it", async () => {
  // The shipped model that fits an isolate as float32.
  const { shape, bias, file } = shippedSmall();
  const graph = file("igpt-rows.onnx");
  const engine = await OrtEngine.load({ graph, weights: file("weights.safetensors"), shape, bias, wasmModule });
  const taken = engine.residentBytes;
  expect(taken).toBeLessThanOrEqual(heapBytes(shape, bias));

  const whole = new Int32Array(shape.positions);
  const prefix = engine.openPrefix();
  for (let start = 0; start < whole.length; start += PREFIX_CHUNK) {
    await prefix.append(whole.subarray(start, start + PREFIX_CHUNK));
  }
  prefix.release();

  const given = engine.openPrefix();
  await given.append(whole.subarray(0, PREFIX_CHUNK));
  const generation = engine.generate(given, 2, { temperature: 1, topK: 40, topP: 0.9 });
  // The cache is as long as it gets, whether its pixels were forced or sampled.
  for (let row = PREFIX_CHUNK / 32; row < 32; row++) {
    const forced = new Int32Array(2 * 32).fill(row < 30 ? 7 : -1);
    await generation.next({ forced, uniforms: new Float32Array(2 * 32).fill(0.5) });
  }
  generation.release();
  given.release();
  expect(engine.residentBytes).toBe(taken);
  engine.release();
});

function shippedSmall() {
  const models = join(ROOT, "r2-assets/models");
  const { version } = JSON.parse(readFileSync(join(models, "index.json"), "utf8")).models["igpt-small"];
  const file = (name: string) => new Uint8Array(readFileSync(join(models, "igpt-small", version, name)));
  const { architecture } = parseManifest(new TextDecoder().decode(file("manifest.json")));
  return { shape: architecture, bias: architecture.bias, file };
}

test("what an edge of 96 MiB holds of L8", () => {
  expect(heapBytes(L8) / MIB).toBeCloseTo(64.1, 0);
  expect((heapBytes(L8) + requestBytes(L8, 1)) / MIB).toBeLessThan(96);
});

test("a run takes as many samples as its caches have room for, and at least one", () => {
  expect(groupSize(L8, 0)).toBe(1);
  expect(groupSize(L8, 1024)).toBeGreaterThan(0);
  expect(groupSize({ ...L8, layers: 2, width: 64 }, 512)).toBeGreaterThan(8);
});
