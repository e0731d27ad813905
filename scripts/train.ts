/** `npm run train`: from a folder of pictures to a model of one's own that the Worker serves. */

import { join } from "node:path";
import { openFolder } from "../bundles/folder.ts";
import { publish, readIndex } from "../bundles/publish.ts";
import { readArguments, required } from "../lib/arguments.ts";
import { openLocalState } from "../lib/local-state.ts";
import { python } from "../lib/python.ts";
import { ASSETS, ROOT } from "../lib/root.ts";
import { userPath } from "../lib/user-path.ts";

const USAGE = `npm run train -- --data FOLDER --id NAME [options]

  --data FOLDER    pictures, a folder or zip
  --id NAME        the model's name: small letters, digits, hyphens
  --minutes N      of training; default 5, or 60 with --from-scratch. The same command again goes on, and makes the next version
  --model ID       the model to fine-tune; default igpt-small (igpt-base: better, and three times as slow without a GPU)
  --from-scratch   start from nothing instead, with a palette of the pictures' own: for tens of thousands of pictures
  --test FOLDER    test pictures; default: one of 20 of the others
  --dir FOLDER     where the bundle goes; default r2-assets
  --device NAME    cuda, mps or cpu; default: a GPU if there is one
  --threads N      of the processor; default all
  --layers N, --width N, --heads N   the shape, with --from-scratch; default 8, 256, 8`;

const { values } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    id: { type: "string" },
    minutes: { type: "string" },
    model: { type: "string", default: "igpt-small" },
    "from-scratch": { type: "boolean", default: false },
    test: { type: "string" },
    dir: { type: "string", default: join(ROOT, "r2-assets") },
    device: { type: "string" },
    threads: { type: "string" },
    layers: { type: "string" },
    width: { type: "string" },
    heads: { type: "string" },
  },
});
const { data, id } = required(USAGE, values, ["data", "id"]);

const directory = userPath(values.dir);
const options = ["--data", userPath(data), "--id", id, "--out", directory];
if (values.test) options.push("--test", userPath(values.test));
for (const name of ["minutes", "device", "threads", "layers", "width", "heads"] as const) {
  const value = values[name];
  if (value !== undefined) options.push(`--${name}`, value);
}
try {
  if (values["from-scratch"]) options.push("--from-scratch");
  else options.push("--init-from", await currentBundle(values.model));
  const run = await python();
  console.log(`When it is trained, it is published to the bucket of npm run dev as well; production stays as it is.`);
  await run("igpt.make", options);
  const bucket = (await openLocalState()).bucket;
  try {
    await publish((key) => openFolder(directory).get(key), bucket, { only: id });
  } finally {
    await bucket.close();
  }
  console.log(
    `\nDone. npm run dev serves it: options: { model: "${id}" }. For production: npm run models -- push --remote`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** The folder of a shipped model's current version. */
async function currentBundle(model: string): Promise<string> {
  const shipped = openFolder(ASSETS);
  const models = (await readIndex((key) => shipped.get(key)))?.models ?? {};
  const version = models[model]?.version;
  if (version === undefined) {
    throw new Error(`There is no model ${model} to start from; there are ${Object.keys(models).join(", ")}.`);
  }
  return join(ROOT, "r2-assets", "models", model, version);
}
