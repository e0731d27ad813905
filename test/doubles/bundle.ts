import { createHash } from "node:crypto";
import { Miniflare } from "miniflare";
import type { Manifest } from "../../src/model/bundle/manifest.ts";

/** A small bundle whose weights are a valid safetensors file: `scale` F32 [3], then `weight` I8 [bytes]. */
export function makeBundle(
  id: string,
  version: string,
  { bytes = 300_000, precision = "int8" as Manifest["precision"], resolution = 8 } = {},
) {
  const weights = makeWeights(bytes, Number(version));
  const files = { "weights.safetensors": describe(weights), "igpt.onnx": describe(new TextEncoder().encode("graph")) };
  const manifest: Manifest = {
    format: 1,
    id,
    version,
    architecture: { layers: 2, width: 4, heads: 2, positions: resolution ** 2, colors: 16, resolution, bias: false },
    precision,
    parameters: 1234,
    embeddingLayer: 1,
    palette: Array.from({ length: 16 }, (_, i) => [i, i, i] as [number, number, number]),
    files,
    metrics: { testNllPerPixel: 2.5 },
  };
  return { manifest, weights, graph: new TextEncoder().encode("graph") };
}

export type TestBundle = ReturnType<typeof makeBundle>;

export function makeWeights(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const header = { scale: entry("F32", [3], 0, 12), weight: entry("I8", [bytes], 12, 12 + bytes) };
  return makeSafetensors(
    header,
    Uint8Array.from({ length: 12 + bytes }, (_, i) => (i * 31 + seed) & 255),
  );
}

function entry(dtype: string, shape: number[], begin: number, end: number) {
  return { dtype, shape, data_offsets: [begin, end] };
}

export function makeSafetensors(header: unknown, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

function describe(bytes: Uint8Array) {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Writes a bundle, the index last, as publishing does. */
export async function publish(bucket: R2Bucket, bundles: TestBundle[]): Promise<void> {
  for (const { manifest, weights, graph } of bundles) {
    const folder = `models/${manifest.id}/${manifest.version}`;
    await bucket.put(`${folder}/weights.safetensors`, weights);
    await bucket.put(`${folder}/igpt.onnx`, graph);
    await bucket.put(`${folder}/manifest.json`, JSON.stringify(manifest));
  }
  const entries = bundles.map(({ manifest: { id, version } }) => [id, { version, versions: [version] }]);
  const index = { format: 1, default: bundles[0]?.manifest.id, models: Object.fromEntries(entries) };
  await bucket.put("models/index.json", JSON.stringify(index));
}

/** A real R2 of Miniflare's, empty. */
export async function openBucket(): Promise<{ bucket: R2Bucket; close(): Promise<void> }> {
  const name = "bucket-holder";
  const miniflare = new Miniflare({
    workers: [
      {
        config: {
          name,
          compatibilityDate: "2026-10-01",
          manifest: {
            mainModule: "index.js",
            modulesRoot: "/",
            modules: { "index.js": { type: "esm", contents: "export default { fetch: () => new Response() }" } },
          },
          env: { BUCKET: { type: "r2", name: "models" } },
        },
      },
    ],
  });
  const { BUCKET } = await miniflare.getBindings<{ BUCKET: R2Bucket }>(name);
  return { bucket: BUCKET, close: () => miniflare.dispose() };
}
