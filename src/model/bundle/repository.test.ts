import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { makeBundle, openBucket, publish } from "../../../test/doubles/bundle.ts";
import { CACHE_MS, ModelRepository } from "./repository.ts";

let bucket: R2Bucket;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ bucket, close } = await openBucket());
});
afterAll(() => close());

const small = makeBundle("small", "1");
const other = makeBundle("other", "3");
const WEIGHTS = "models/small/1/weights.safetensors";

beforeEach(async () => {
  const { objects } = await bucket.list();
  await bucket.delete(objects.map(({ key }) => key));
  await publish(bucket, [small, other]);
});

async function streamed(repository = new ModelRepository(bucket)): Promise<Uint8Array> {
  const { header, data } = await repository.files(small.manifest).safetensors("weights.safetensors");
  const out = new Uint8Array(header.dataBytes);
  let at = 0;
  for await (const chunk of data) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

test("index to manifest to files, whole and as a stream", async () => {
  const repository = new ModelRepository(bucket);
  expect(await repository.current()).toEqual(small.manifest);
  expect(await repository.current("other")).toEqual(other.manifest);
  const files = repository.files(small.manifest);
  expect(await files.bytes("weights.safetensors")).toEqual(small.weights);
  expect(await files.bytes("igpt.onnx")).toEqual(small.graph);
  files.assertAllVerified();
  const data = await streamed(repository);
  expect(data).toEqual(small.weights.subarray(small.weights.length - data.length));
});

test("what is not there is MODEL_NOT_FOUND", async () => {
  const repository = new ModelRepository(bucket);
  for (const id of ["nobody", "__proto__", "toString", ""]) {
    await expect(repository.current(id), id).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
  }
  await bucket.delete("models/other/3/manifest.json");
  await expect(repository.current("other")).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
  await bucket.delete("models/index.json");
  await expect(new ModelRepository(bucket).current()).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
});

test.each<[string, string, string]>([
  ["an index that is no JSON", "models/index.json", "{"],
  ["an index whose default is missing", "models/index.json", JSON.stringify({ format: 1, default: "x", models: {} })],
  ["a manifest that is no JSON", "models/small/1/manifest.json", ""],
  ["a manifest of a later format", "models/small/1/manifest.json", JSON.stringify({ ...small.manifest, format: 2 })],
  ["a manifest of another model", "models/small/1/manifest.json", JSON.stringify(other.manifest)],
  [
    "a palette of another size",
    "models/small/1/manifest.json",
    JSON.stringify({ ...small.manifest, palette: [[0, 0, 0]] }),
  ],
])("%s is MODEL_CORRUPT, and is read again once mended", async (_, key, text) => {
  const good = await (await bucket.get(key))?.text();
  await bucket.put(key, text);
  const repository = new ModelRepository(bucket);
  await expect(repository.current()).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
  await bucket.put(key, good ?? "");
  expect(await repository.current()).toEqual(small.manifest);
});

test.each<[string, () => Promise<unknown>]>([
  ["missing", () => bucket.delete(WEIGHTS)],
  ["truncated", () => bucket.put(WEIGHTS, small.weights.subarray(1))],
  ["longer", () => bucket.put(WEIGHTS, new Uint8Array([...small.weights, 0]))],
  ["changed in its last byte", () => bucket.put(WEIGHTS, flipped(small.weights.length - 1))],
  ["changed in its header", () => bucket.put(WEIGHTS, flipped(9))],
  ["changed in its header's length", () => bucket.put(WEIGHTS, flipped(7))],
])("weights that are %s are MODEL_CORRUPT, whole and as a stream, and good again once mended", async (_, damage) => {
  await damage();
  const repository = new ModelRepository(bucket);
  const problem = { code: "MODEL_CORRUPT", message: expect.stringContaining("weights.safetensors") };
  await expect(repository.files(small.manifest).bytes("weights.safetensors")).rejects.toMatchObject(problem);
  await expect(streamed(repository)).rejects.toMatchObject(problem);
  await bucket.put(WEIGHTS, small.weights);
  expect((await streamed(repository)).length).toBe(300_012);
});

test("a stream that is left before its end is not verified", async () => {
  const files = new ModelRepository(bucket).files(small.manifest);
  const { data } = await files.safetensors("weights.safetensors");
  for await (const _ of data) break;
  expect(() => files.assertAllVerified()).toThrow(/weights.safetensors/);
});

test("a file that the manifest does not name is MODEL_CORRUPT", async () => {
  const files = new ModelRepository(bucket).files(small.manifest);
  await expect(files.bytes("igpt-rows.onnx")).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
});

test("a new version is taken up when the cache has run out, not before", async () => {
  const repository = new ModelRepository(bucket);
  expect((await repository.current()).version).toBe("1");
  await publish(bucket, [makeBundle("small", "2")]);
  expect((await repository.current()).version).toBe("1");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + CACHE_MS });
  try {
    expect((await repository.current()).version).toBe("2");
    // The older bundle is still there for those who began with it.
    expect((await repository.manifest("small", "1")).version).toBe("1");
  } finally {
    vi.useRealTimers();
  }
});

function flipped(at: number): Uint8Array {
  const copy = small.weights.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
