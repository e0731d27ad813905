/**
 * Which pictures of a folder are like this one: npx tsx examples/similar/run.ts FOLDER [PICTURE SHEET.html]
 * Embeds what is new in the folder, keeps the vectors in a SQLite file, and writes a page of the nearest pictures.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { readArguments } from "../../lib/arguments.ts";
import { type Reading, readAll, spaceOf } from "./api.ts";
import { MOST_BYTES, type PictureFile, picturesIn, requestsOf } from "./folder.ts";
import { sheetOf } from "./sheet.ts";
import { Store } from "./store.ts";

const USAGE = `npx tsx examples/similar/run.ts [options] FOLDER [PICTURE SHEET.html]

  --database FILE  where the vectors are kept (similar.sqlite in the folder)
  --model ID       default: the API's default model
  --at-once N      pictures of a request, up to 64 (64)
  --nearest N      pictures on the sheet (12)`;

const { values, positionals } = readArguments(USAGE, {
  allowPositionals: true,
  options: {
    database: { type: "string" },
    model: { type: "string" },
    "at-once": { type: "string", default: "64" },
    nearest: { type: "string", default: "12" },
  },
});
const [folder, picture, sheet = "nearest.html"] = positionals;
if (folder === undefined) {
  console.error(USAGE);
  process.exit(2);
}

try {
  const space = await spaceOf(values.model);
  const store = new Store(values.database ?? join(folder, "similar.sqlite"), space);
  await embedFolder(folder, store, space);
  if (picture !== undefined) await answer(folder, picture, store, space);
  store.close();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error("What was embedded is kept: the same command goes on from there.");
  process.exit(1);
}

async function embedFolder(folder: string, store: Store, space: string): Promise<void> {
  const pictures = await picturesIn(folder);
  const open = store.update(pictures);
  console.log(`${pictures.length} pictures, ${open.length} to embed (${space})`);
  let done = 0;
  for (const request of requestsOf(open, Number(values["at-once"]))) {
    const readings = await readFiles(folder, request, space);
    store.add(request.map((each, i) => ({ ...each, reading: readings[i] ?? { problem: "no answer" } })));
    done += request.length;
    console.log(`${done} of ${open.length}`);
  }
  for (const { path, problem } of store.problems()) console.log(`skipped ${path}: ${problem}`);
}

async function readFiles(folder: string, request: PictureFile[], space: string): Promise<Reading[]> {
  // Alone in its request, and not worth sending.
  if (request.some(({ bytes }) => bytes > MOST_BYTES)) return [{ problem: "larger than 20 MB: scale it down" }];
  return readAll(await Promise.all(request.map(({ path }) => readFile(join(folder, path)))), space, values.model);
}

async function answer(folder: string, picture: string, store: Store, space: string): Promise<void> {
  const [reading] = await readAll([await readFile(picture)], space, values.model);
  if (!reading || "problem" in reading) throw new Error(`${picture}: ${reading?.problem}`);
  const nearest = store.nearest(reading.vector, Number(values.nearest), relative(folder, picture));
  for (const { path, distance } of nearest) console.log(`${distance.toFixed(3)} ${path}`);
  await writeFile(
    sheet,
    sheetOf(
      sheet,
      picture,
      nearest.map(({ path, distance }) => ({ path: join(folder, path), distance })),
    ),
  );
  console.log(`sheet ${sheet}`);
}
