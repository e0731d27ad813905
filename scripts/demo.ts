/**
 * `npm run demo`: starts the Worker, completes a real photo four ways, embeds it, leaves a picture of it, and ends.
 * The README's animation: `npm run demo -- --animate docs/samples.gif`.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { animation } from "../lib/animation.ts";
import { readArguments } from "../lib/arguments.ts";
import { buildAll } from "../lib/build-all.ts";
import { contactSheet } from "../lib/contact-sheet.ts";
import { startDevServer, untilReady } from "../lib/dev-server.ts";
import { developmentVariables } from "../lib/development.ts";
import { ask } from "../lib/graphql.ts";
import { onEnd } from "../lib/on-end.ts";
import { freePort } from "../lib/port.ts";
import { prepareState } from "../lib/prepare-state.ts";
import { ROOT } from "../lib/root.ts";
import { shownPath, userPath } from "../lib/user-path.ts";
import { type WatchedCompletion, watchCompletion } from "../lib/watch-completion.ts";

interface Answer {
  complete: {
    engine: string;
    ranOn: string;
    model: { id: string; version: string; parameters: number };
    input: { dataUri: string };
    samples: { nllPerPixel: number; image: { dataUri: string } }[];
  };
}

const COMPLETE = `query ($image: ImageInput!, $seed: Int!, $temperature: Float!, $model: ID) {
  complete(image: $image, samples: 4, options: { model: $model, seed: $seed, temperature: $temperature }) {
    engine ranOn
    model { id version parameters }
    input { dataUri }
    samples { nllPerPixel image { dataUri } }
  }
}`;
const EMBED = `query ($image: ImageInput!, $model: ID) { embed(image: $image, model: $model) { layer dimensions vector } }`;

/** The pictures of an animation, in which each is completed this many ways. */
const ANIMATED = ["astronaut", "chelsea", "coffee", "rocket"].map((name) => `web/pictures/${name}.jpg`);
const ANIMATED_SAMPLES = 3;

const USAGE = `npm run demo -- [options]

  --picture FILE     a picture to complete; you may repeat it; default: a photo of a cat
  --out FILE         where to write the picture of the samples; default demo-out/samples.png
  --seed N           the same seed gives the same samples; default 2020
  --model ID         which model completes it; default: the default model, igpt-base
  --temperature T    0 = always the likeliest colour; default 1
  --animate FILE     instead, write a GIF of four photos and their completions, row by row`;

const { values } = readArguments(USAGE, {
  options: {
    picture: { type: "string", multiple: true },
    animate: { type: "string" },
    out: { type: "string" },
    seed: { type: "string", default: "2020" },
    model: { type: "string" },
    temperature: { type: "string", default: "1" },
  },
});

let stop = async () => {};
onEnd(async () => {
  await stop();
  process.exit(130);
});
let url = "";
try {
  await start();
  const options = { seed: Number(values.seed), temperature: Number(values.temperature), model: values.model };
  const pictures = values.picture?.map(userPath);
  if (values.animate === undefined) {
    const out = values.out === undefined ? join(ROOT, "demo-out/samples.png") : userPath(values.out);
    await drawSheet(pictures ?? [join(ROOT, "web/pictures/chelsea.jpg")], out, options);
  } else {
    await drawAnimation(pictures ?? ANIMATED.map((path) => join(ROOT, path)), userPath(values.animate), options);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
await stop();
process.exit();

async function start(): Promise<void> {
  console.log("Building what is missing and putting the model into the local R2 bucket ...");
  await buildAll();
  await prepareState({ database: false });

  console.log("Starting the Worker (wrangler dev, no account, no network) ...");
  const port = await freePort();
  const server = startDevServer({ port, variables: developmentVariables({}, process.env), output: "ignore" });
  stop = server.stop;
  url = `http://127.0.0.1:${port}`;
  await untilReady(url, server.leader);
}

interface Options {
  seed: number;
  temperature: number;
  model: string | undefined;
}

async function drawSheet(pictures: string[], path: string, options: Options): Promise<void> {
  const rows: string[][] = [];
  for (const picture of pictures) {
    const image = await imageOf(picture);
    const started = performance.now();
    const variables = { image, ...options };
    const { complete } = await ask<Answer>(`${url}/graphql`, COMPLETE, variables);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const { model, samples } = complete;
    const parameters = (model.parameters / 1e6).toFixed(1);
    console.log(
      `${shownPath(picture)}: the lower half drawn ${samples.length} ways in ${seconds} s by ${model.id} version ${model.version}`,
    );
    console.log(
      `  (${parameters}M parameters, int8; engine "${complete.engine}", in workerd); nats per pixel: ${samples.map((s) => s.nllPerPixel.toFixed(2)).join(", ")}`,
    );
    const { embed } = await ask<{ embed: { layer: number; dimensions: number; vector: number[] } }>(
      `${url}/graphql`,
      EMBED,
      { image, model: values.model },
    );
    console.log(
      `  embedded: layer ${embed.layer}, ${embed.dimensions} numbers: ${embed.vector
        .slice(0, 4)
        .map((x) => x.toFixed(3))
        .join(", ")}, ...`,
    );
    rows.push([complete.input.dataUri, ...samples.map((sample) => sample.image.dataUri)]);
  }

  const out = await write(path, contactSheet(rows, 6));
  console.log(`\nThe picture as the model sees it, then its completions: ${out}`);
  console.log("Next: npm run dev, then open http://127.0.0.1:8787");
}

/** The pictures with their completions, all of which grow row by row at the same time. */
async function drawAnimation(pictures: string[], path: string, options: Options): Promise<void> {
  const watched: WatchedCompletion[] = [];
  for (const picture of pictures) {
    const variables = { image: await imageOf(picture), samples: ANIMATED_SAMPLES, ...options };
    watched.push(await watchCompletion(`${url}/graphql`, variables));
    console.log(`${shownPath(picture)}: completed ${ANIMATED_SAMPLES} ways`);
  }
  const frames = Array.from({ length: Math.max(...watched.map(({ states }) => states.length)) }, (_, row) =>
    contactSheet(
      watched.map(({ input, states }) => [input, ...(states[row] ?? [])]),
      5,
    ),
  );
  const gif = animation(frames, { first: 1200, frame: 180, last: 4000 });
  console.log(`${await write(path, gif)}: ${frames.length} frames, ${Math.ceil(gif.length / 1024)} KiB`);
}

async function imageOf(picture: string): Promise<{ base64: string }> {
  return { base64: await readFile(picture, "base64") };
}

/** Writes a file. @returns its path as it is told. */
async function write(path: string, file: Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file);
  return shownPath(path);
}
