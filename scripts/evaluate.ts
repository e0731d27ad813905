/** `npm run evaluate`: a model's measures on class-named pictures, through the Worker's own engine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { BundleStore } from "../origin/bundles/store.ts";
import { python } from "./evaluate/python.ts";
import { runEngine } from "./evaluate/run-engine.ts";
import { buildAll } from "./lib/prepare.ts";
import { ROOT } from "./lib/root.ts";
import { openFolder } from "./models/folder.ts";

const USAGE = `npm run evaluate -- --data FILE.zip --json FILE [options]

  --data FILE          pictures to measure on: a zip or folder; a picture's class is the name of its folder
  --train FILE         pictures to fit the linear probe on; without it, half of each class of --data
  --model ID           default: the default model of --dir
  --dir FOLDER         where the bundles are; default r2-assets
  --checkpoint FILE    the float weights, for nllPerPixelFloat
  --train-pictures N   of --train, evenly spread; 0 = all; default 10000, which takes minutes instead of an hour
  --pictures FOLDER    also draw the probe by layer and the spread of nats
  --json FILE          where the measures go`;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    train: { type: "string" },
    model: { type: "string" },
    dir: { type: "string", default: join(ROOT, "r2-assets") },
    checkpoint: { type: "string" },
    "train-pictures": { type: "string", default: "10000" },
    pictures: { type: "string" },
    json: { type: "string" },
  },
});
if (!values.data || !values.json) {
  console.error(USAGE);
  process.exit(2);
}

const directory = resolve(values.dir);
const bundles = new BundleStore((key) => openFolder(directory).get(key), directory, false);
const id = values.model ?? (await bundles.index())?.default;
const version = id === undefined ? undefined : await bundles.version(id);
if (id === undefined || version === undefined) {
  console.error(`${directory} has no model ${id ?? ""}: --dir names the folder, --model one of its models.`);
  process.exit(1);
}
const bundle = await bundles.open(id, version);

await buildAll();
const run = await python();
const work = await mkdtemp(join(tmpdir(), "igpt-edge-evaluate-"));
try {
  const sets: [name: string, source: string, most: string][] = [["test", values.data, "0"]];
  if (values.train) sets.push(["train", values.train, values["train-pictures"]]);
  for (const [name, source, most] of sets) {
    const folder = join(work, name);
    console.log(`${name}: reading ${source} ...`);
    await run("igpt.evaluate", [
      "tokens",
      "--data",
      resolve(source),
      "--bundle",
      bundle.directory,
      "--out",
      folder,
      "--most",
      most,
    ]);
    await runEngine(bundle, folder, (done, total, perSecond) => {
      const left = Math.round((total - done) / perSecond / 60);
      console.log(`${name}: ${done} of ${total} pictures, ${perSecond.toFixed(1)} a second, ${left} min left`);
    });
  }
  console.log("Fitting the probe of each layer ...");
  const files = ["--bundle", bundle.directory, "--test", join(work, "test"), "--json", resolve(values.json)];
  if (values.train) files.push("--train", join(work, "train"));
  if (values.checkpoint) files.push("--checkpoint", resolve(values.checkpoint));
  if (values.pictures) files.push("--pictures", resolve(values.pictures));
  await run("igpt.evaluate", ["report", ...files]);
  console.log(`Done: ${values.json}`);
} finally {
  await rm(work, { recursive: true });
}
