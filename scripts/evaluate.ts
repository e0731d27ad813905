/** `npm run evaluate`: a model's measures on class-named pictures, through the Worker's own engine. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { openFolder } from "../bundles/folder.ts";
import { readArguments } from "../lib/arguments.ts";
import { buildAll } from "../lib/build-all.ts";
import { python } from "../lib/python.ts";
import { ROOT } from "../lib/root.ts";
import { userPath } from "../lib/user-path.ts";
import { BundleStore } from "../origin/bundles/store.ts";
import { ComputePool } from "../origin/compute/pool.ts";
import { runEngine } from "./evaluate/run-engine.ts";
import { drawSamples } from "./evaluate/sample.ts";

const USAGE = `npm run evaluate -- --data FILE.zip --json FILE [options]

  --data FILE          pictures to measure on: a zip or folder; a picture's class is the name of its folder
  --train FILE         pictures to fit the linear probe on; without it, half of each class of --data
  --trained FILE       pictures that the model was trained on, to compare samples with, pixel by pixel: their middles and
                       random crops; may be repeated. Without it, samples are compared with the pictures of --train
  --json FILE          where to write the measures
  --model ID           default: the default model of --dir
  --version N          default: the model's current version
  --dir FOLDER         where the bundles are; default r2-assets
  --checkpoint FILE    the float weights, for nllPerPixelFloat
  --data-pictures N    how many of --data, drawn at random but always the same; default all
  --train-pictures N   how many of --train, drawn at random but always the same; 0 = all; default 10000
  --features ENGINE    what computes the features of --train: torch (PyTorch, on a GPU or where the processor is fast
                       in bfloat16), kernel (the Worker's), or auto, the default: torch where it is fast
  --pictures FOLDER    also draw samples, and with --trained or --train compare them with its pictures; drawings go to this folder
  --samples N          how many samples from nothing, and how many completions, to compare; default 64
  --complete FILE      a picture for the sheet of samples, may be repeated; default: four of --data
  --work FOLDER        keep what was computed there, and go on from what is there`;

/** The sheet's, and how many of each a picture gets. */
const TEMPERATURES = [0.8, 0.9, 1];
const SAMPLES_A_TEMPERATURE = 3;
const SEED = 2020;

const { values } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    train: { type: "string" },
    trained: { type: "string", multiple: true },
    json: { type: "string" },
    model: { type: "string" },
    version: { type: "string" },
    dir: { type: "string", default: join(ROOT, "r2-assets") },
    checkpoint: { type: "string" },
    "data-pictures": { type: "string", default: "0" },
    "train-pictures": { type: "string", default: "10000" },
    features: { type: "string", default: "auto" },
    pictures: { type: "string" },
    samples: { type: "string", default: "64" },
    complete: { type: "string", multiple: true },
    work: { type: "string" },
  },
});

/** A wrong call: says why and ends. */
function stop(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

const { data, json } = values;
if (!data || !json) stop(USAGE, 2);
for (const name of ["data-pictures", "train-pictures"] as const) {
  if (!/^\d+$/.test(values[name])) stop(`--${name} must be a whole number; 0 means all.`, 2);
}
const samples = Number(values.samples);
if (!Number.isInteger(samples) || samples < 1) stop("--samples must be a whole number from 1.", 2);
if (!["auto", "torch", "kernel"].includes(values.features)) stop("--features must be auto, torch or kernel.", 2);

if (values.trained && !values.pictures) stop("--trained compares samples, which --pictures FOLDER draws.", 2);

const directory = userPath(values.dir);
const bundles = new BundleStore((key) => openFolder(directory).get(key), directory, false);
const id = values.model ?? (await bundles.index())?.default;
const version = id === undefined ? undefined : await bundles.version(id, values.version);
if (id === undefined || version === undefined) {
  const wanted = [id, values.version && `version ${values.version}`].filter(Boolean).join(" ");
  stop(`${directory} has no model ${wanted}: --dir names the folder, --model one of its models.`, 1);
}
const bundle = await bundles.open(id, version);
const bundleFolder = ["--bundle", bundle.directory];

await buildAll();
const run = await python();
const work = values.work ? userPath(values.work) : await mkdtemp(join(tmpdir(), "igpt-edge-evaluate-"));
const pool = new ComputePool({ kind: "kernel", cores: 1 }, availableParallelism());
try {
  await evaluate(data, json);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await pool.close();
  if (!values.work) await rm(work, { recursive: true, force: true });
}

async function evaluate(source: string, out: string): Promise<void> {
  await readSet("test", ["--data", userPath(source), "--most", values["data-pictures"]]);
  if (values.train) await readSet("train", ["--data", userPath(values.train), "--most", values["train-pictures"]]);

  await runEngine(pool, bundle, join(work, "test"));
  if (values.checkpoint) {
    const checkpoint = ["--checkpoint", userPath(values.checkpoint)];
    await run("igpt.evaluate", [
      "features",
      "--set",
      join(work, "test"),
      "--engine",
      "float",
      ...bundleFolder,
      ...checkpoint,
    ]);
  }
  const engine = values.train ? await featureEngine() : "kernel";
  if (values.train) await features("train", engine);
  if (values.pictures) {
    // Of an earlier run with the same --work.
    await rm(join(work, "trained"), { recursive: true, force: true });
    if (values.trained) await readTrained(values.trained);
    await draw(source, engine);
  }

  console.log("Measuring ...");
  const drawings = values.pictures ? ["--pictures", userPath(values.pictures)] : [];
  const files = ["--work", work, "--json", userPath(out), ...drawings];
  await run("igpt.evaluate", ["report", ...bundleFolder, "--engine", engine, ...files]);
  console.log(`Done: ${out}`);
}

/** Pictures to tokens. */
async function readSet(name: string, source: string[]): Promise<void> {
  console.log(`${name}: reading ...`);
  await run("igpt.evaluate", ["tokens", ...source, ...bundleFolder, "--out", join(work, name)]);
}

/** What samples are held against. */
async function readTrained(sources: readonly string[]): Promise<void> {
  const files = sources.flatMap((file) => ["--data", userPath(file)]);
  await run("igpt.evaluate", ["trained", ...files, ...bundleFolder, "--out", join(work, "trained")]);
}

async function featureEngine(): Promise<string> {
  if (values.features !== "auto") return values.features;
  return (await run("igpt.evaluate", ["fast-torch"], [3])) === 0 ? "torch" : "kernel";
}

async function features(name: string, engine: string): Promise<void> {
  if (engine === "kernel") return runEngine(pool, bundle, join(work, name));
  await run("igpt.evaluate", ["features", "--set", join(work, name), "--engine", engine, ...bundleFolder]);
}

/** Samples from nothing and completions; with --train, also the features by which they are compared with its pictures. */
async function draw(source: string, engine: string): Promise<void> {
  const sheet = values.complete?.flatMap((file) => ["--file", userPath(file)]);
  await readSet("sheet", sheet ?? ["--data", userPath(source), "--most", "4"]);
  const folder = join(work, "samples");
  const unconditional = { name: "unconditional", originals: undefined, samples, temperature: 1, seed: SEED };
  await drawSamples(pool, bundle, folder, unconditional);
  for (const temperature of TEMPERATURES) {
    const name = `temperature-${temperature}`;
    const originals = await tokensOf("sheet");
    await drawSamples(pool, bundle, folder, {
      name,
      originals,
      samples: SAMPLES_A_TEMPERATURE,
      temperature,
      seed: SEED,
    });
  }
  if (!values.train && !values.trained) return;
  await readSet("completed", ["--data", userPath(source), "--most", String(samples)]);
  const originals = await tokensOf("completed");
  await drawSamples(pool, bundle, folder, { name: "completions", originals, samples: 1, temperature: 1, seed: SEED });
  if (!values.train) return;
  await run("igpt.evaluate", ["queries", "--work", work, ...bundleFolder]);
  await features("queries", engine);
}

async function tokensOf(name: string): Promise<Uint16Array> {
  const file = await readFile(join(work, name, "tokens.bin"));
  return new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2);
}
