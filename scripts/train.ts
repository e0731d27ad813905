/** `npm run train`: from a folder of pictures to a model of one's own that the Worker serves. */

import { join, resolve } from "node:path";
import { python } from "./evaluate/python.ts";
import { readArguments } from "./lib/arguments.ts";
import { ROOT } from "./lib/root.ts";
import { openLocalBucket } from "./models/bucket.ts";
import { openFolder } from "./models/folder.ts";
import { publish } from "./models/publish.ts";

const USAGE = `npm run train -- --data FOLDER --id NAME [options]

  --data FOLDER    pictures, a folder or zip; a picture's class is the name of its folder, if there is one
  --id NAME        the model's name: small letters, digits, hyphens
  --minutes N      of training; default 60. The same command again goes on, and makes the next version
  --test FOLDER    test pictures; default: one of 20 of the others
  --dir FOLDER     where the bundle goes; default r2-assets
  --threads N      default: all cores
  --layers N, --width N, --heads N   the model's shape; default 8, 256, 8`;

const { values } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    id: { type: "string" },
    minutes: { type: "string", default: "60" },
    test: { type: "string" },
    dir: { type: "string", default: join(ROOT, "r2-assets") },
    threads: { type: "string" },
    layers: { type: "string" },
    width: { type: "string" },
    heads: { type: "string" },
  },
});
const { data, id } = values;
if (!data || !id) {
  console.error(USAGE);
  process.exit(2);
}

const directory = resolve(values.dir);
const options = [
  ["--data", resolve(data)],
  ["--id", id],
  ["--minutes", values.minutes],
  ["--out", directory],
].flat();
if (values.test) options.push("--test", resolve(values.test));
for (const name of ["threads", "layers", "width", "heads"] as const) {
  const value = values[name];
  if (value !== undefined) options.push(`--${name}`, value);
}
try {
  const run = await python();
  await run("igpt.make", options);
  const bucket = await openLocalBucket();
  try {
    await publish((key) => openFolder(directory).get(key), bucket, id);
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
