import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { ComputePool } from "../../origin/compute/pool.ts";
import type { Manifest } from "../../src/model/bundle/manifest.ts";
import { runEngine } from "./run-engine.ts";
import { drawSamples, type Sampling } from "./sample.ts";

const directory = join(ROOT, "test/golden/tiny");
const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as Manifest;
const bundle = { manifest, directory };
const { positions, layers, width } = manifest.architecture;
const pictures = Uint16Array.from({ length: 3 * positions }, (_, i) => (i * 7 + (i >> 5)) % 512);

let folder: string;
let pool: ComputePool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "igpt-edge-test-"));
  pool = new ComputePool({ kind: "kernel", cores: 1 }, 2);
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

async function drawn(name: string, sampling: Omit<Sampling, "name" | "seed">): Promise<Uint16Array> {
  await drawSamples(pool, bundle, join(folder, "samples"), { name, seed: 1, ...sampling });
  const file = await readFile(join(folder, "samples", `${name}.bin`));
  return new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2);
}

test("a sample is the same however many are drawn, over batches too", async () => {
  const options = { originals: undefined, temperature: 1 };
  const many = await drawn("many", { ...options, samples: 10 });
  const few = await drawn("few", { ...options, samples: 9 });
  expect(many).toHaveLength(10 * positions);
  expect(many.subarray(0, 9 * positions)).toEqual(few);
  expect(many.subarray(0, positions)).not.toEqual(many.subarray(positions, 2 * positions));
});

test("completions keep the upper half, prompt by prompt", async () => {
  const completed = await drawn("completed", { originals: pictures, samples: 2, temperature: 0.9 });
  for (let row = 0; row < 6; row++) {
    const given = Math.floor(row / 2) * positions;
    const upper = completed.subarray(row * positions, row * positions + positions / 2);
    expect(upper).toEqual(pictures.subarray(given, given + positions / 2));
  }
  expect(completed.subarray(positions / 2, positions)).not.toEqual(pictures.subarray(positions / 2, positions));
});

test("what was drawn stays until something about it changes", async () => {
  const options = { originals: undefined, temperature: 1, samples: 1 };
  const first = await drawn("kept", options);
  const path = join(folder, "samples/kept.bin");
  await writeFile(path, new Uint16Array(positions));
  expect(await drawn("kept", options)).toEqual(new Uint16Array(positions));
  expect(await drawn("kept", { ...options, temperature: 0.5 })).not.toEqual(first);
});

test("nats and features go on where a call ended", async () => {
  const set = join(folder, "set");
  await mkdir(set);
  await writeFile(join(set, "tokens.bin"), pictures);
  await runEngine(pool, bundle, set);
  const read = async () => [
    await readFile(join(set, "kernel/nll.bin")),
    await readFile(join(set, "kernel/features.bin")),
  ];
  const [nll, features] = await read();
  expect(nll).toHaveLength(3 * 2 * 4);
  expect(features).toHaveLength(3 * (layers + 1) * width * 4);

  // As an end in the middle of a write leaves them.
  await truncate(join(set, "kernel/features.bin"), (layers + 1) * width * 4 + 10);
  await runEngine(pool, bundle, set);
  expect(await read()).toEqual([nll, features]);
});
