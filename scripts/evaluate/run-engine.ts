import { appendFile, mkdir, open, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { everySome } from "../../lib/every-some.ts";
import type { Bundle } from "../../origin/bundles/store.ts";
import type { ComputePool } from "../../origin/compute/pool.ts";
import type { GraphBatch, GraphResult } from "../../origin/graph/batch.ts";
import { reporter } from "./progress.ts";

/** Pictures between two writes: what an interruption loses. */
const CHUNK = 64;
/** Of a picture in nll.bin. */
const NATS_BYTES = 8;

/**
 * Runs the Worker's kernel over every picture of `folder/tokens.bin` (uint16 [N, T]), a picture a thread, and appends to
 * `folder/kernel/`: `nll.bin` (float32 [N, 2]: nats per pixel of the whole and of the lower half) and `features.bin` (float32 [N, layers + 1, width]). Goes on
 * where an earlier call ended.
 */
export async function runEngine(pool: ComputePool, bundle: Bundle, folder: string): Promise<void> {
  const { positions, layers, width } = bundle.manifest.architecture;
  const file = await readFile(join(folder, "tokens.bin"));
  const tokens = new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2);
  const total = tokens.length / positions;
  const out = join(folder, "kernel");
  await mkdir(out, { recursive: true });
  const files = { nll: join(out, "nll.bin"), features: join(out, "features.bin") };
  const floats = (layers + 1) * width;
  let done = Math.min(await records(files.nll, NATS_BYTES), await records(files.features, 4 * floats));
  if (done < total) {
    await cut(files.nll, NATS_BYTES * done);
    await cut(files.features, 4 * floats * done);
  }

  const report = reporter(basename(folder), total, done);
  while (done < total) {
    const count = Math.min(CHUNK, total - done);
    const results = await everySome(count, pool.threads, async (i) => {
      const { result } = await pool.run(
        bundle,
        wholePicture(tokens.subarray((done + i) * positions, (done + i + 1) * positions)),
      );
      report(1);
      return result;
    });
    await appendFile(files.nll, bytes(Float32Array.from(results.flatMap(({ prefixNll }) => nats(prefixNll)))));
    await appendFile(files.features, joined(results));
    done += count;
  }
}

/** One row, all of it given. */
function wholePicture(tokens: Uint16Array): GraphBatch {
  return {
    ...{ rows: 1, given: tokens.length, generate: 0, tokens: Int32Array.from(tokens) },
    ...{ forced: new Int32Array(), uniforms: new Float32Array() },
    ...{ temperature: Float32Array.of(1), topK: Int32Array.of(0), topP: Float32Array.of(1) },
  };
}

/** How many records of `size` bytes a file holds in full. */
async function records(path: string, size: number): Promise<number> {
  const bytes = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  return Math.floor(bytes / size);
}

async function cut(path: string, size: number): Promise<void> {
  const file = await open(path, "a");
  try {
    await file.truncate(size);
  } finally {
    await file.close();
  }
}

/** Of the whole picture, and of its lower half given the upper one. */
function nats(perPixel: Float32Array): [number, number] {
  return [mean(perPixel), mean(perPixel.subarray(perPixel.length / 2))];
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function joined(results: readonly GraphResult[]): Uint8Array {
  return Buffer.concat(results.map(({ features }) => bytes(features)));
}

function bytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
