/** A model on the Worker's kernel, in Node, and pictures for it to be measured on: what `seam` and `sampling` need. */
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Manifest, parseManifest, WEIGHTS_FILE } from "../src/model/bundle/manifest.ts";
import { readSafetensors } from "../src/model/bundle/safetensors.ts";
import { complete } from "../src/model/complete.ts";
import { KernelEngine } from "../src/model/engines/kernel/engine.ts";
import { likelihood } from "../src/model/likelihood.ts";
import { SoloSession } from "../src/model/session.ts";
import type { CompletedSample, CompletionSpec } from "../src/model/types.ts";
import { python } from "./python.ts";
import { ROOT } from "./root.ts";

export interface OpenModel {
  folder: string;
  manifest: Manifest;
  engine: KernelEngine;
}

/** The kernel that ships, as it was built last. */
const KERNEL = join(ROOT, "build/kernel.wasm");

/** @param folder of a bundle's version, such as r2-assets/models/igpt-base/2 @param kernel a build of it */
export async function openModel(folder: string, kernel = KERNEL): Promise<OpenModel> {
  const manifest = parseManifest(await readFile(join(folder, "manifest.json"), "utf8"));
  const weights = join(folder, WEIGHTS_FILE);
  const module = await WebAssembly.compile(await readFile(kernel));
  const stream = await readSafetensors(createReadStream(weights), (await stat(weights)).size);
  const engine = await KernelEngine.load("kernel", module, manifest.architecture, stream);
  return { folder, manifest, engine };
}

export interface HeldOut {
  /** In the model's palette: [pixels]. */
  tokens: Int32Array;
  /** The outermost folder that it came in. */
  source: string;
}

/** `count` pictures of a zip or folder (0 = all), in an order that is random but always the same. */
export async function heldOut(source: string, { folder, manifest }: OpenModel, count: number): Promise<HeldOut[]> {
  const out = await mkdtemp(join(tmpdir(), "igpt-edge-held-out-"));
  try {
    const command = await python();
    const options = ["--data", source, "--most", String(count), "--bundle", folder, "--out", out];
    await command("igpt.evaluate", ["tokens", ...options]);
    const file = await readFile(join(out, "tokens.bin"));
    const tokens = new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2);
    const { positions } = manifest.architecture;
    const { sources } = JSON.parse(await readFile(join(out, "set.json"), "utf8")) as { sources: string[] };
    return sources.map((source, i) => ({
      source,
      tokens: Int32Array.from(tokens.subarray(i * positions, (i + 1) * positions)),
    }));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** A completion's samples, eight at a time, as the edge makes them. */
export async function samplesOf(
  { engine, manifest }: OpenModel,
  tokens: Int32Array,
  spec: CompletionSpec,
): Promise<CompletedSample[]> {
  const session = new SoloSession(engine);
  try {
    const rows = complete(session, spec, tokens, 8, manifest.palette);
    for (;;) {
      const step = await rows.next();
      if (step.done) return step.value.samples;
    }
  } finally {
    session.release();
  }
}

/** Nats of each pixel, [pixels]. */
export async function natsOf({ engine }: OpenModel, tokens: Int32Array): Promise<Float32Array> {
  const session = new SoloSession(engine);
  try {
    return (await likelihood(session, tokens)).perPixel;
  } finally {
    session.release();
  }
}
