/**
 * `npx tsx bench/pairs.ts OLD.wasm NEW.wasm BUNDLE --data FILE [options]`: two builds of the kernel (`build/kernel.wasm`, kept from before a
 * change) on the same model and photographs: the nats of whole pictures, then half pictures, in turns in one process, with each
 * access to memory checked in code, as workerd does. Attention's cost depends on what is attended to, so weights and pictures are real ones.
 */
import { setFlagsFromString } from "node:v8";
import { readArguments, required } from "../lib/arguments.ts";
import { heldOut, natsOf, type OpenModel, openModel } from "../lib/held-out.ts";
import { userPath } from "../lib/user-path.ts";
import { Fastest } from "./fastest.ts";
import { rowUniforms } from "./measure.ts";
import { ROW } from "./shapes.ts";

// Before anything is compiled.
setFlagsFromString("--wasm-enforce-bounds-checks");

const USAGE = `npx tsx bench/pairs.ts OLD.wasm NEW.wasm BUNDLE --data FILE [options]

  --data FILE      photographs: a zip or folder
  --pictures N     drawn at random but always the same; default 2
  --samples LIST   default 1,4
  --rounds N       of half pictures, of which the fastest counts; default 3, 0 = nats alone`;

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
const [old, changed, folder] = positionals.map(userPath);
if (!old || !changed || !folder) {
  console.error(USAGE);
  process.exit(2);
}

const [before, after] = await Promise.all([openModel(folder, old), openModel(folder, changed)]);
const builds = { old: before, new: after };
const half = before.manifest.architecture.positions / 2;
const pictures = (await heldOut(userPath(data), before, Number(values.pictures))).map(({ tokens }) => tokens);
await compareNats();
if (Number(values.rounds) > 0) await compareTimes();

async function compareNats(): Promise<void> {
  const changes: number[] = [];
  let worst = 0;
  for (const tokens of pictures) {
    const [olds, news] = [await natsOf(before, tokens), await natsOf(after, tokens)];
    const change = news.map((nats, pixel) => nats - (olds[pixel] ?? Number.NaN));
    changes.push(mean(change));
    worst = change.reduce((most, nats) => Math.max(most, Math.abs(nats)), worst);
  }
  const deviation = Math.sqrt(mean(changes.map((change) => (change - mean(changes)) ** 2)) / (changes.length - 1));
  console.log(
    `Nats per pixel, new - old: ${mean(changes).toFixed(6)} +- ${deviation.toFixed(6)} on ${changes.length} pictures; the pixel that changed most: ${worst.toFixed(3)}`,
  );
}

async function compareTimes(): Promise<void> {
  const fastest = new Fastest();
  const drawn = new Map<string, string>();
  const counts = values.samples.split(",").map(Number);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [picture, tokens] of pictures.entries()) {
      for (const samples of counts) {
        for (const [build, model] of Object.entries(builds)) {
          const name = `${build} ${picture} ${samples}`;
          drawn.set(name, (await halfPicture(model, tokens, samples, name, fastest)).join());
        }
      }
    }
  }
  const ms = (build: string, samples: number, part: string) =>
    mean(pictures.map((_, picture) => fastest.of(`${build} ${picture} ${samples} ${part}`)));
  console.table(
    counts.flatMap((samples) =>
      ["given", "generated"].map((part) => ({
        ...{ samples, part },
        "old, CPU ms": ms("old", samples, part).toFixed(0),
        "new, CPU ms": ms("new", samples, part).toFixed(0),
        "new / old": (ms("new", samples, part) / ms("old", samples, part)).toFixed(3),
      })),
    ),
  );
  const of = pictures.flatMap((_, picture) => counts.map((samples) => `${picture} ${samples}`));
  const same = of.filter((name) => drawn.get(`old ${name}`) === drawn.get(`new ${name}`));
  console.log(`The same samples from both: ${same.length} of ${of.length} completions.`);
}

/** The lower half, drawn. @returns [samples * rows of ROW] */
async function halfPicture(
  { engine }: OpenModel,
  tokens: Int32Array,
  samples: number,
  name: string,
  fastest: Fastest,
): Promise<number[]> {
  const prefix = engine.openPrefix({ scored: false });
  await fastest.time(`${name} given`, () => prefix.append(tokens.subarray(0, half)));
  const generation = engine.generate(prefix, samples, { temperature: 1, topK: 0, topP: 1 });
  const input = { forced: new Int32Array(samples * ROW).fill(-1), uniforms: rowUniforms(samples) };
  const colors: number[] = [];
  await fastest.time(`${name} generated`, async () => {
    for (let row = 0; row < half / ROW; row++) colors.push(...(await generation.next(input)).tokens);
  });
  generation.release();
  prefix.release();
  return colors;
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
