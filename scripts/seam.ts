/**
 * `npm run seam`: how well fills of painted holes fit the given pixels below them. A hole is cut into the middle of held-out
 * photographs and filled by the edge's own code on the Worker's kernel; then the whole picture is scored, and the two rows
 * under the hole are compared with the original's.
 */
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { complete } from "../src/model/complete.ts";
import { KernelEngine } from "../src/model/engines/kernel/engine.ts";
import { likelihood } from "../src/model/likelihood.ts";
import { type Manifest, parseManifest, WEIGHTS_FILE } from "../src/model/manifest.ts";
import type { Run } from "../src/model/run.ts";
import { readSafetensors } from "../src/model/safetensors.ts";
import type { CompletionSpec } from "../src/model/types.ts";
import { python } from "./evaluate/python.ts";
import { readArguments } from "./lib/arguments.ts";
import { buildAll } from "./lib/prepare.ts";
import { ROOT } from "./lib/root.ts";
import { userPath } from "./lib/user-path.ts";
import { HOLES, holeOf, type Measures, measure, table } from "./seam/measure.ts";

const USAGE = `npm run seam -- --data FILE.zip [options]

  --data FILE         photographs that the model has not seen: a zip or folder
  --bundle FOLDER     the model's folder, such as r2-assets/models/igpt-base/1
  --pictures N        drawn at random but always the same; default 16
  --samples N         fills of each; default 8
  --candidates LIST   default 1,8,16
  --holes LIST        of ${Object.keys(HOLES).join(", ")}, or ROWSxCOLUMNS; default 12x16
  --temperature T     default 1
  --json FILE         where the measures go`;

const { values } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    bundle: { type: "string" },
    pictures: { type: "string", default: "16" },
    samples: { type: "string", default: "8" },
    candidates: { type: "string", default: "1,8,16" },
    holes: { type: "string", default: "12x16" },
    temperature: { type: "string", default: "1" },
    json: { type: "string" },
  },
});
const { data, bundle } = values;
if (!data || !bundle) {
  console.error(USAGE);
  process.exit(2);
}

await buildAll();
const folder = userPath(bundle);
const manifest = parseManifest(await readFile(join(folder, "manifest.json"), "utf8"));
const engine = await load(folder, manifest);
const run: Run = { engine, turn: (work) => work(), own: (resource) => resource };
const pictures = await tokensOf(userPath(data));
const results: Measures[] = [];
for (const name of values.holes.split(",")) {
  const keep = holeOf(name, manifest.architecture.resolution);
  for (const candidates of values.candidates.split(",").map(Number)) {
    const started = performance.now();
    const fill = (tokens: Int32Array) => samplesOf(tokens, keep, candidates);
    const score = async (tokens: Int32Array) => (await likelihood(run, tokens)).perPixel;
    const report = (done: number, excess: number) =>
      console.error(`${name}, ${candidates} candidates: ${done} of ${pictures.length}, +${excess.toFixed(2)} so far`);
    const measured = await measure(pictures, keep, fill, score, report);
    const seconds = (performance.now() - started) / 1000;
    results.push({
      hole: name,
      candidates,
      ...measured,
      secondsASample: seconds / pictures.length / Number(values.samples),
    });
    console.log(table(results.slice(-1)));
  }
}
console.log(table(results));
if (values.json)
  await writeFile(
    userPath(values.json),
    `${JSON.stringify({ model: manifest.id, version: manifest.version, results }, null, 1)}\n`,
  );

async function samplesOf(tokens: Int32Array, keep: readonly boolean[], candidates: number) {
  const spec: CompletionSpec = {
    ...{ samples: Number(values.samples), seed: 2020, execution: "EDGE", keep, keepRows: 0 },
    sampling: { temperature: Number(values.temperature), topK: 0, topP: 1 },
    ...(candidates > 1 ? { candidates } : {}),
  };
  const rows = complete(run, spec, tokens, 8, manifest.palette);
  for (;;) {
    const step = await rows.next();
    if (step.done) return step.value.samples;
  }
}

async function load(from: string, { architecture }: Manifest): Promise<KernelEngine> {
  const weights = join(from, WEIGHTS_FILE);
  const module = await WebAssembly.compile(await readFile(join(ROOT, "build/kernel.wasm")));
  const stream = await readSafetensors(createReadStream(weights), (await stat(weights)).size);
  return KernelEngine.load("kernel", module, architecture, stream);
}

async function tokensOf(source: string): Promise<Int32Array[]> {
  const out = await mkdtemp(join(tmpdir(), "igpt-edge-seam-"));
  try {
    const command = await python();
    await command("igpt.evaluate", [
      "tokens",
      "--data",
      source,
      "--most",
      values.pictures,
      "--bundle",
      folder,
      "--out",
      out,
    ]);
    const file = await readFile(join(out, "tokens.bin"));
    const tokens = new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2);
    const { positions } = manifest.architecture;
    return Array.from({ length: tokens.length / positions }, (_, i) =>
      Int32Array.from(tokens.subarray(i * positions, (i + 1) * positions)),
    );
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
