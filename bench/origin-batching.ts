/**
 * `npx tsx bench/origin-batching.ts`: completions a minute of the reference origin's ONNX engine with and without batching,
 * by clients over HTTP, and what bounds it: the engine's time a position by batch and by what is looked back at.
 */
import { join } from "node:path";
import { checkBundle } from "../bundles/bundle.ts";
import { openFolder } from "../bundles/folder.ts";
import { readIndex } from "../bundles/publish.ts";
import { ASSETS, ROOT } from "../lib/root.ts";
import { makeOnnxRunner } from "../origin/compute/onnx.ts";
import { readConfig } from "../origin/config.ts";
import type { GraphBatch } from "../origin/graph/batch.ts";
import { encodeRequest, fp32, int64 } from "../src/delegation/protocol/index.ts";
import { OriginProcess } from "../test/origin/process.ts";

const CLIENTS = 16;
const GIVEN = 512;
const GENERATE = 64;

const read = (key: string) => openFolder(ASSETS).get(key);
const index = await readIndex(read);
const id = index?.default ?? "";
const version = index?.models[id]?.version ?? "";
const { manifest } = await checkBundle(read, id, version);
const { colors } = manifest.architecture;

/** Rows of a fixed request: colours and uniforms that differ from row to row. */
function batchOf(rows: number, given: number, generate: number): GraphBatch {
  const spread = (length: number, step: number, range: number) =>
    Array.from({ length }, (_, i) => ((i * step) % 1009) % range);
  return {
    ...{ rows, given, generate },
    tokens: Int32Array.from(spread(rows * given, 31, colors)),
    forced: new Int32Array(rows * generate).fill(-1),
    uniforms: Float32Array.from(spread(rows * generate, 57, 1000), (u) => u / 1000),
    temperature: new Float32Array(rows).fill(1),
    topK: new Int32Array(rows),
    topP: new Float32Array(rows).fill(1),
  };
}

/** Completions a minute, each asked for by a client that waits for its answer and asks again. */
async function completionsAMinute(batchRows: number, completions: number): Promise<number> {
  const origin = await OriginProcess.start(["--engine", "onnx", "--batch-rows", String(batchRows)]);
  const url = `${origin.url}/v2/models/${id}/versions/${version}/infer`;
  const { tokens, forced, uniforms } = batchOf(1, GIVEN, GENERATE);
  const inputs = [
    ...[int64("tokens", [1, GIVEN], tokens), int64("forced", [1, GENERATE], forced)],
    ...[fp32("uniforms", [1, GENERATE], uniforms), fp32("temperature", [1, 1], Float32Array.of(1))],
    ...[int64("top_k", [1, 1], [0]), fp32("top_p", [1, 1], Float32Array.of(1))],
  ];
  const { headers, bytes } = encodeRequest({ inputs }, true);
  const ask = async () => {
    const response = await fetch(url, { method: "POST", headers, body: bytes });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
  };
  await ask();
  let left = completions;
  const client = async () => {
    while (left-- > 0) await ask();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const minutes = (performance.now() - start) / 60_000;
  await origin.stop();
  return completions / minutes;
}

/** Milliseconds of the engine for one more position of every row, `given` positions being looked back at. */
async function msAPosition(rows: number, given: number): Promise<number> {
  const time = async (generate: number) => {
    const batch = batchOf(rows, given, generate);
    const start = performance.now();
    await runner.run(batch);
    return performance.now() - start;
  };
  await time(2);
  const [few, many] = [await time(2), await time(34)];
  return (many - few) / 32;
}

const alone = await completionsAMinute(1, 16);
const batched = await completionsAMinute(CLIENTS, 4 * CLIENTS);
console.log(`${CLIENTS} clients, ${GIVEN} given pixels and ${GENERATE} to generate, model ${id} ${version}`);
console.log(
  `completions a minute: ${alone.toFixed(0)} one at a time, ${batched.toFixed(0)} in batches of up to ${CLIENTS}`,
);
console.log(`batching: ${(batched / alone).toFixed(1)}x\n`);

const { threads } = readConfig([], {});
const directory = join(ROOT, "r2-assets/models", id, version);
const runner = await makeOnnxRunner({ manifest, directory }, { kind: "onnx", cores: threads });
const contexts = [32, 960] as const;
console.log("ms a position of each sample        looking back at 32     at 960");
const each: [near: number, far: number][] = [];
for (const rows of [1, 4, 16]) {
  const [near, far] = [(await msAPosition(rows, contexts[0])) / rows, (await msAPosition(rows, contexts[1])) / rows];
  each.push([near, far]);
  console.log(
    `${String(rows).padStart(2)} samples at once ${near.toFixed(2).padStart(31)} ${far.toFixed(2).padStart(10)}`,
  );
}
await runner.release();
const [[near1 = 0, far1 = 0] = [], , [near16 = 0, far16 = 0] = []] = each;
const share = (100 * (far16 - near16)) / far16;
console.log(
  `\nWithout much to look back at, 16 samples at once cost ${(near1 / near16).toFixed(1)}x less each (weights are read once a batch), ` +
    `with a whole picture ${(far1 / far16).toFixed(1)}x: ${share.toFixed(0)}% of the time is then each sample's own keys and values.`,
);
