/**
 * `npx tsx bench/pairs.ts OLD.wasm NEW.wasm BUNDLE --data FILE [options]`: two builds of the kernel (`build/kernel.wasm`, kept from before a
 * change) on the same model and photographs: half pictures, in turns in one process, with each access to memory checked in code, as
 * workerd does. Of each part the fastest round counts, in CPU time. Attention's cost depends on what is attended to, so
 * weights and pictures are real ones.
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { readArguments, required } from "../lib/arguments.ts";
import { heldOut, openModel } from "../lib/held-out.ts";
import { userPath } from "../lib/user-path.ts";
import { WEIGHTS_FILE } from "../src/model/bundle/manifest.ts";
import { readSafetensors } from "../src/model/bundle/safetensors.ts";
import { KernelEngine } from "../src/model/engines/kernel/engine.ts";

// Before anything is compiled.
setFlagsFromString("--wasm-enforce-bounds-checks");

const USAGE = `npx tsx bench/pairs.ts OLD.wasm NEW.wasm BUNDLE --data FILE [options]

  --data FILE      photographs: a zip or folder
  --pictures N     drawn at random but always the same; default 2
  --samples LIST   default 1,4
  --rounds N       default 3`;

const { values, positionals } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    pictures: { type: "string", default: "2" },
    samples: { type: "string", default: "1,4" },
    rounds: { type: "string", default: "3" },
  },
  allowPositionals: true,
});
const { data } = required(USAGE, values, ["data"]);
const [old = "", changed = "", folder = ""] = positionals.map(userPath);
const ROW = 32;

const model = await openModel(folder);
model.engine.release();
const { positions } = model.manifest.architecture;
const pictures = await heldOut(userPath(data), model, Number(values.pictures));
const kernels = await Promise.all([old, changed].map(load));
const best = new Map<string, number>();
const drawn = new Map<string, string>();

for (let round = 0; round < Number(values.rounds); round++) {
  for (const [picture, { tokens }] of pictures.entries()) {
    for (const samples of values.samples.split(",").map(Number)) {
      for (const [which, engine] of kernels.entries()) {
        const half = await halfPicture(engine, tokens, samples, `${which} ${picture} ${samples}`);
        drawn.set(`${which} ${picture} ${samples}`, half.join());
      }
    }
  }
}

const sum = (which: number, samples: string, part: string) =>
  pictures.reduce((total, _, picture) => total + (best.get(`${which} ${picture} ${samples} ${part}`) ?? Number.NaN), 0);
console.table(
  values.samples.split(",").flatMap((samples) =>
    ["given", "generated"].map((part) => ({
      ...{ samples, part },
      "old, ms": (sum(0, samples, part) / pictures.length).toFixed(0),
      "new, ms": (sum(1, samples, part) / pictures.length).toFixed(0),
      "new / old": (sum(1, samples, part) / sum(0, samples, part)).toFixed(3),
    })),
  ),
);
const same = [...drawn].filter(
  ([key, tokens]) => key.startsWith("1") && drawn.get(`0${key.slice(1)}`) === tokens,
).length;
console.log(`The same samples from both: ${same} of ${drawn.size / 2} completions.`);

async function load(file: string): Promise<KernelEngine> {
  const weights = join(folder, WEIGHTS_FILE);
  const stream = await readSafetensors(createReadStream(weights), (await stat(weights)).size);
  const module = await WebAssembly.compile(await readFile(file));
  return KernelEngine.load("kernel", module, model.manifest.architecture, stream);
}

/** The lower half, drawn. @returns [samples * rows of ROW] */
async function halfPicture(engine: KernelEngine, tokens: Int32Array, samples: number, name: string): Promise<number[]> {
  const prefix = engine.openPrefix({ scored: false });
  await timed(`${name} given`, () => prefix.append(tokens.subarray(0, positions / 2)));
  const generation = engine.generate(prefix, samples, { temperature: 1, topK: 0, topP: 1 });
  const forced = new Int32Array(samples * ROW).fill(-1);
  const uniforms = Float32Array.from({ length: samples * ROW }, (_, i) => (i * 0.618033988749895) % 1);
  const colors: number[] = [];
  await timed(`${name} generated`, async () => {
    for (let row = 0; row < positions / 2 / ROW; row++) {
      colors.push(...(await generation.next({ forced, uniforms })).tokens);
    }
  });
  generation.release();
  prefix.release();
  return colors;
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const begin = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begin);
  best.set(what, Math.min(best.get(what) ?? Number.POSITIVE_INFINITY, (user + system) / 1000));
}
