/**
 * `npm run sheets`: the pictures of a model's card. Which ones they show is a rule, so that nobody picks: the first picture of each
 * source in the order in which held-out pictures are drawn, seed 2020, temperature 1, and the first samples that come.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readArguments, required } from "../lib/arguments.ts";
import { buildAll } from "../lib/build-all.ts";
import { contactSheet, pngUri } from "../lib/contact-sheet.ts";
import { type HeldOut, heldOut, natsOf, openModel, samplesOf } from "../lib/held-out.ts";
import { userPath } from "../lib/user-path.ts";
import { holeOf } from "./seam/measure.ts";

const USAGE = `npm run sheets -- --data FILE.zip --bundle FOLDER --out FOLDER

  --data FILE      photographs that the model has not seen: a zip or folder whose outermost folders are sources
  --bundle FOLDER  the model's folder, such as r2-assets/models/igpt-base/2
  --out FOLDER     where to write ID.png (half pictures), ID-holes.png, ID-nothing.png and ID-failures.png`;

const { values } = readArguments(USAGE, {
  options: { data: { type: "string" }, bundle: { type: "string" }, out: { type: "string" } },
});
const { data, bundle, out } = required(USAGE, values, ["data", "bundle", "out"]);
const SEED = 2020;
/** Pixels of a picture on a sheet. */
const SHOWN = 192;
const SAMPLES = 4;
const CANDIDATES = 8;
/** Failures are the pictures of so many whose lower halves the model expected least. */
const SEARCHED = 40;
const FAILURES = 4;

await buildAll();
const model = await openModel(userPath(bundle));
const { id, palette, architecture } = model.manifest;
const { resolution: side, positions } = architecture;
const pictures = await heldOut(userPath(data), model, 0);
const firsts = [...new Set(pictures.map(({ source }) => source))]
  .sort()
  .flatMap((source) => pictures.find((picture) => picture.source === source) ?? []);
const upperHalf = Array.from({ length: positions }, (_, pixel) => pixel < positions / 2);
const hole = holeOf(`${(side * 12) / 32}x${side / 2}`, side);

await mkdir(userPath(out), { recursive: true });
await write("", await rowsOf(firsts, upperHalf, 1));
await write("-holes", await rowsOf(firsts, hole, CANDIDATES));
const nothing = await drawn(pictures[0]?.tokens ?? new Int32Array(positions), new Array(positions).fill(false), 1, 10);
await write("-nothing", [nothing.slice(0, 5), nothing.slice(5)]);
await write("-failures", await rowsOf(await leastExpected(), upperHalf, 1));

/** A row a picture: itself, what is given of it, its samples. */
async function rowsOf(of: readonly HeldOut[], keep: readonly boolean[], candidates: number): Promise<string[][]> {
  const rows: string[][] = [];
  for (const { tokens } of of) {
    const given = tokens.map((token, pixel) => (keep[pixel] ? token : -1));
    const samples = await drawn(tokens, keep, candidates, SAMPLES);
    rows.push([pngUri(tokens, palette), pngUri(given, palette), ...samples]);
  }
  return rows;
}

async function drawn(tokens: Int32Array, keep: readonly boolean[], candidates: number, samples: number) {
  const made = await samplesOf(model, tokens, {
    ...{ samples, seed: SEED, execution: "EDGE", keep, keepRows: 0, candidates },
    sampling: { temperature: 1, topK: 0, topP: 1 },
  });
  return made.map((sample) => pngUri(sample.tokens, palette));
}

async function leastExpected(): Promise<HeldOut[]> {
  const scored: { picture: HeldOut; nats: number }[] = [];
  for (const picture of pictures.slice(0, SEARCHED)) {
    const lower = (await natsOf(model, picture.tokens)).subarray(positions / 2);
    scored.push({ picture, nats: lower.reduce((sum, nats) => sum + nats, 0) });
  }
  return scored
    .sort((a, b) => b.nats - a.nats)
    .slice(0, FAILURES)
    .map(({ picture }) => picture);
}

async function write(name: string, rows: string[][]): Promise<void> {
  const file = join(userPath(out ?? ""), `${id}${name}.png`);
  await writeFile(file, contactSheet(rows, SHOWN / side));
  console.log(file);
}
