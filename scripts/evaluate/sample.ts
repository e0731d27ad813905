import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { everySome } from "../../lib/every-some.ts";
import type { Bundle } from "../../origin/bundles/store.ts";
import type { ComputePool } from "../../origin/compute/pool.ts";
import type { GraphBatch } from "../../origin/graph/batch.ts";
import { uniforms } from "../../src/model/sampling/uniforms.ts";
import { reporter } from "./progress.ts";

/** Samples that run together; the kernel's cost a sample falls no further above it. */
const BATCH = 8;

export interface Sampling {
  /** Under which the files are kept. */
  name: string;
  /** Whole pictures [N, T], whose upper halves are given; none: one prompt of nothing. */
  originals: Uint16Array | undefined;
  /** Of each prompt. */
  samples: number;
  temperature: number;
  seed: number;
}

/**
 * Draws pictures with the Worker's kernel into `folder`: NAME.bin (uint16 [prompts, samples, T], given colours included)
 * and NAME.json. What is there already with the same settings stays.
 */
export async function drawSamples(
  pool: ComputePool,
  bundle: Bundle,
  folder: string,
  { name, originals, samples, temperature, seed }: Sampling,
): Promise<void> {
  const { positions } = bundle.manifest.architecture;
  const weights = bundle.manifest.files["weights.safetensors"]?.sha256;
  const prompts = originals ? originals.length / positions : 1;
  const given = originals ? positions / 2 : 0;
  const facts = `${JSON.stringify({ weights, prompts, samples, temperature, seed, given })}\n`;
  const path = join(folder, name);
  if ((await readFile(`${path}.json`, "utf8").catch(() => "")) === facts) return;
  await mkdir(folder, { recursive: true });

  const out = new Uint16Array(prompts * samples * positions);
  const perPrompt = Math.ceil(samples / BATCH);
  const report = reporter(name, prompts * samples, 0);
  await everySome(prompts * perPrompt, pool.threads, async (index) => {
    const prompt = Math.floor(index / perPrompt);
    const first = (index % perPrompt) * BATCH;
    const rows = Math.min(BATCH, samples - first);
    const upper = originals?.subarray(prompt * positions, prompt * positions + given) ?? new Uint16Array();
    // Each prompt has random numbers of its own.
    const batch = completion(upper, rows, positions - given, temperature, {
      seed,
      first: prompt * samples + first,
    });
    const { result } = await pool.run(bundle, batch);
    for (let row = 0; row < rows; row++) {
      const at = (prompt * samples + first + row) * positions;
      out.set(upper, at);
      out.set(result.samples.subarray(row * (positions - given), (row + 1) * (positions - given)), at + given);
    }
    report(rows);
  });
  await writeFile(`${path}.bin`, out);
  await writeFile(`${path}.json`, facts);
}

function completion(
  upper: Uint16Array,
  rows: number,
  generate: number,
  temperature: number,
  random: { seed: number; first: number },
): GraphBatch {
  const tokens = new Int32Array(rows * upper.length);
  for (let row = 0; row < rows; row++) tokens.set(upper, row * upper.length);
  return {
    ...{ rows, given: upper.length, generate, tokens },
    forced: new Int32Array(rows * generate).fill(-1),
    uniforms: uniforms(random.seed, random.first, rows, upper.length, generate),
    temperature: new Float32Array(rows).fill(temperature),
    topK: new Int32Array(rows),
    topP: new Float32Array(rows).fill(1),
  };
}
