/** `npm run models -- push | pull | list | verify | export-triton | rollback`: the bucket's models. */

import type { Bucket } from "../bundles/bucket.ts";
import { checkBundle, type Read } from "../bundles/bundle.ts";
import { openFolder } from "../bundles/folder.ts";
import { type Change, publish, readIndex, rollback } from "../bundles/publish.ts";
import { readArguments } from "../lib/arguments.ts";
import { BUCKET_NAME, openLocalState } from "../lib/local-state.ts";
import { openRemoteBucket } from "../lib/remote-bucket.ts";
import { ASSETS } from "../lib/root.ts";
import { shownPath, userPath } from "../lib/user-path.ts";
import { exportTriton, TRITON_PREFIX, tritonDevice } from "./export-triton.ts";

const USAGE = `npm run models -- COMMAND [--remote] [--dir FOLDER] [--model ID] [--version N] [--default ID]

  push      publish the folder's models (default: r2-assets), or --model alone; refuses a bundle whose checks fail. The
            bucket keeps its default model unless --default names another
  pull      copy the bucket's models into the folder
  list      the bucket's models
  verify    check every file of every version against its SHA-256, in the bucket (or in --dir)
  export-triton  write the folder's models as a Triton model repository: into the bucket under triton/, or into --dir;
            for an instance on each GPU, or with --device cpu on the processor; --model alone
  rollback  make an earlier version of --model the current one

--device   cuda (the default) or cpu
--remote   the production bucket (wrangler login first); default: the bucket of npm run dev`;

const { values: options, positionals } = readArguments(USAGE, {
  allowPositionals: true,
  options: {
    remote: { type: "boolean", default: false },
    dir: { type: "string" },
    model: { type: "string" },
    version: { type: "string" },
    default: { type: "string" },
    device: { type: "string", default: "cuda" },
  },
});

const directory = options.dir === undefined ? undefined : userPath(options.dir);

const BUCKET = options.remote ? `the production bucket ${BUCKET_NAME}` : "the bucket of npm run dev";

/** Says what is about to be done to a bucket or folder. */
function announce(target: string, { bundles, current, next }: Change): void {
  console.log(`About to change ${target}:`);
  for (const { id, version, uploaded } of bundles) {
    const now = current?.models[id]?.version;
    const files = uploaded ? "" : ", whose files are there";
    console.log(`  ${id}: version ${version}${files}; current now: ${now === undefined ? "none" : `version ${now}`}`);
  }
  console.log(`  default model: ${next.default}; now: ${current?.default ?? "none"}`);
}

const COMMANDS: Record<string, (bucket: Bucket) => Promise<void>> = {
  async push(bucket) {
    let defaults = "";
    const published = await publish((key) => openFolder(directory ?? ASSETS).get(key), bucket, {
      only: options.model,
      makeDefault: options.default,
      before(change) {
        announce(BUCKET, change);
        const [before, after] = [change.current?.default ?? "none", change.next.default];
        defaults = before === after ? `stays ${after}` : `was ${before} and is ${after} now`;
      },
    });
    for (const { id, version, uploaded } of published) {
      console.log(`${id} version ${version}: ${uploaded ? "published" : "was there already"}`);
    }
    console.log(`The default model ${defaults}.`);
  },
  async pull(bucket) {
    const folder = directory === undefined ? "r2-assets" : shownPath(directory);
    await publish((key) => bucket.get(key), openFolder(directory ?? ASSETS), {
      only: options.model,
      before: (change) => announce(`the folder ${folder}`, change),
    });
    console.log(`Copied to ${folder}.`);
  },
  async "export-triton"(bucket) {
    const target = directory === undefined ? bucket : openFolder(directory ?? ASSETS);
    const device = tritonDevice(options.device);
    if (directory === undefined)
      console.log(`About to write below ${TRITON_PREFIX}/ in ${BUCKET}, over what is there:`);
    const keys = await exportTriton((key) => openFolder(ASSETS).get(key), target, { only: options.model, device });
    for (const key of keys) console.log(key);
  },
  async list(bucket) {
    const index = await readIndex((key) => bucket.get(key));
    if (!index) return console.log("The bucket has no models: npm run models -- push");
    for (const [id, { version, versions }] of Object.entries(index.models)) {
      const others = versions.filter((other) => other !== version);
      console.log(
        `${id}${id === index.default ? " (default)" : ""}: version ${version}${others.length ? `, kept: ${others.join(", ")}` : ""}`,
      );
    }
  },
  async verify(bucket) {
    const folder = directory === undefined ? bucket : openFolder(directory ?? ASSETS);
    const read: Read = (key) => folder.get(key);
    const index = await readIndex(read);
    if (!index) throw new Error("There is no models/index.json.");
    for (const [id, { versions }] of Object.entries(index.models)) {
      for (const version of versions) {
        const { objects } = await checkBundle(read, id, version);
        console.log(`${id} version ${version}: ${objects.length} files as they should be`);
      }
    }
  },
  async rollback(bucket) {
    if (!options.model) throw new Error("Which model? --model ID [--version N]");
    const id = options.model;
    const version = await rollback(bucket, id, options.version, ({ from, to, isDefault }) => {
      const whose = isDefault ? ", the default model" : "";
      console.log(`About to change ${BUCKET}: ${id}${whose}, from version ${from} to ${to}.`);
    });
    console.log(`${id} is at version ${version} now.`);
  },
};

const command = COMMANDS[positionals[0] ?? ""];
if (!command) {
  console.log(USAGE);
  process.exit(2);
}
const bucket = options.remote ? openRemoteBucket() : (await openLocalState()).bucket;
try {
  await command(bucket);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await bucket.close();
}
