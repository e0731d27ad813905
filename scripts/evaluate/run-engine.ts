import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Bundle } from "../../origin/bundles/store.ts";
import { ComputePool } from "../../origin/compute/pool.ts";
import type { GraphBatch } from "../../origin/graph/batch.ts";

const PROGRESS_EVERY_MS = 15_000;

/**
 * Runs the Worker's kernel over every picture of `folder/tokens.bin` (uint16 [N, T]), a thread a core, and writes
 * `nll.bin` (float32 [N], nats per pixel) and `features.bin` (float32 [N, layers + 1, width]).
 */
export async function runEngine(
  bundle: Bundle,
  folder: string,
  onProgress: (done: number, total: number, perSecond: number) => void,
): Promise<void> {
  const { positions, layers, width } = bundle.manifest.architecture;
  const file = await readFile(join(folder, "tokens.bin"));
  const tokens = new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2);
  const total = tokens.length / positions;
  const nll = new Float32Array(total);
  const features = new Float32Array(total * (layers + 1) * width);
  const threads = availableParallelism();
  const pool = new ComputePool({ kind: "kernel", provider: "wasm", cores: 1 }, threads);

  const started = performance.now();
  let [next, done, told] = [0, 0, started];
  const work = async () => {
    while (next < total) {
      const picture = next++;
      const { result } = await pool.run(
        bundle,
        wholePicture(tokens.subarray(picture * positions, (picture + 1) * positions)),
      );
      nll[picture] = result.prefixNll.reduce((sum, nats) => sum + nats, 0) / positions;
      features.set(result.features, picture * (layers + 1) * width);
      done++;
      const now = performance.now();
      if (now - told < PROGRESS_EVERY_MS) continue;
      told = now;
      onProgress(done, total, (1000 * done) / (now - started));
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, work));
  } finally {
    await pool.close();
  }
  await writeFile(join(folder, "nll.bin"), nll);
  await writeFile(join(folder, "features.bin"), features);
}

/** One row, all of it given. */
function wholePicture(tokens: Uint16Array): GraphBatch {
  return {
    ...{ rows: 1, given: tokens.length, generate: 0, tokens: Int32Array.from(tokens) },
    ...{ forced: new Int32Array(), uniforms: new Float32Array() },
    ...{ temperature: Float32Array.of(1), topK: Int32Array.of(0), topP: Float32Array.of(1) },
  };
}
