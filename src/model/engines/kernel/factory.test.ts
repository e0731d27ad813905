import { expect, test } from "vitest";
import { loadGolden } from "../../../../test/golden/load.ts";
import { UserError } from "../../../errors.ts";
import type { Manifest } from "../../bundle/manifest.ts";
import { readSafetensors } from "../../bundle/safetensors.ts";
import type { ModelFiles } from "../../engine-factory.ts";
import { factory } from "./factory.ts";

const golden = loadGolden("tiny");
const manifest = JSON.parse(Buffer.from(golden.file("manifest.json")).toString()) as Manifest;
const weights = golden.file("weights.safetensors");

/** A bucket whose weights arrive in pieces, and then end or fail. */
function files(file: Uint8Array, failure?: Error): ModelFiles {
  async function* chunks() {
    for (let at = 0; at < file.length; at += 5000) yield file.subarray(at, at + 5000);
    if (failure) throw failure;
  }
  return {
    bytes: () => Promise.reject(new Error("the kernel reads no other file")),
    safetensors: () => readSafetensors(chunks(), weights.length),
  };
}

test("loads a model", async () => {
  const engine = await factory.load(manifest, files(weights));
  expect(engine.name).toBe("kernel");
  engine.release();
});

test("what the bucket fails with is no damage: it passes as it is", async () => {
  const down = new Error("get: We encountered an internal error. Please try again. (10001)");
  await expect(factory.load(manifest, files(weights.subarray(0, 30_000), down))).rejects.toBe(down);
  const found = new UserError("MODEL_CORRUPT", "the SHA-256 differs");
  await expect(factory.load(manifest, files(weights, found))).rejects.toBe(found);
});

test("weights of another shape are damage, and the message says which", async () => {
  const architecture = { ...manifest.architecture, layers: 3 };
  await expect(factory.load({ ...manifest, architecture }, files(weights))).rejects.toMatchObject({
    code: "MODEL_CORRUPT",
    message: expect.stringMatching(/blocks\.2|ln_f/),
  });
});

test("a load that nobody wants ends with the signal's reason", async () => {
  const reason = new Error("nobody waits");
  await expect(factory.load(manifest, files(weights), AbortSignal.abort(reason))).rejects.toBe(reason);
});
