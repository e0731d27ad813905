/** `npm run demo`: starts the Worker, completes a real photo four ways, embeds it, leaves a picture of it, and ends. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { contactSheet } from "./lib/contact-sheet.ts";
import { freePort, startDevServer, untilReady } from "./lib/dev-server.ts";
import { ask } from "./lib/graphql.ts";
import { buildAll, seedModels } from "./lib/prepare.ts";
import { ROOT } from "./lib/root.ts";

interface Answer {
  complete: {
    engine: string;
    ranOn: string;
    model: { id: string; version: string; parameters: number };
    input: { dataUri: string };
    samples: { nllPerPixel: number; image: { dataUri: string } }[];
  };
}

const COMPLETE = `query ($image: ImageInput!, $seed: Int!, $temperature: Float!) {
  complete(image: $image, samples: 4, options: { keepRows: 16, seed: $seed, temperature: $temperature }) {
    engine ranOn
    model { id version parameters }
    input { dataUri }
    samples { nllPerPixel image { dataUri } }
  }
}`;
const EMBED = `query ($image: ImageInput!) { embed(image: $image) { layer dimensions vector } }`;

const { values } = parseArgs({
  options: {
    picture: { type: "string", multiple: true, default: ["web/pictures/chelsea.jpg"] },
    out: { type: "string", default: "demo-out/samples.png" },
    seed: { type: "string", default: "2020" },
    temperature: { type: "string", default: "1" },
  },
});

console.log("Building what is missing and putting the model into the local R2 bucket ...");
await buildAll();
await seedModels();

console.log("Starting the Worker (wrangler dev, no account, no network) ...");
const port = await freePort();
const server = startDevServer({ port, output: "ignore" });
process.once("exit", () => server.kill());
const url = `http://127.0.0.1:${port}`;
await untilReady(url, server);

const rows: string[][] = [];
for (const picture of values.picture) {
  const image = { base64: (await readFile(join(ROOT, picture))).toString("base64") };
  const started = performance.now();
  const variables = { image, seed: Number(values.seed), temperature: Number(values.temperature) };
  const { complete } = await ask<Answer>(`${url}/graphql`, COMPLETE, variables);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { model, samples } = complete;
  const parameters = (model.parameters / 1e6).toFixed(1);
  console.log(
    `${picture}: the lower half drawn ${samples.length} ways in ${seconds} s by ${model.id} version ${model.version}`,
  );
  console.log(
    `  (${parameters}M parameters, int8; engine "${complete.engine}", in workerd); nats per pixel: ${samples.map((s) => s.nllPerPixel.toFixed(2)).join(", ")}`,
  );
  const { embed } = await ask<{ embed: { layer: number; dimensions: number; vector: number[] } }>(
    `${url}/graphql`,
    EMBED,
    { image },
  );
  console.log(
    `  embedded: layer ${embed.layer}, ${embed.dimensions} numbers: ${embed.vector
      .slice(0, 4)
      .map((x) => x.toFixed(3))
      .join(", ")}, ...`,
  );
  rows.push([complete.input.dataUri, ...samples.map((sample) => sample.image.dataUri)]);
}

const out = join(ROOT, values.out);
await mkdir(join(out, ".."), { recursive: true });
await writeFile(out, contactSheet(rows, 6));
console.log(`\nThe picture as the model sees it, then its completions: ${relative(process.cwd(), out)}`);
console.log("Next: npm run dev, then open http://127.0.0.1:8787");
server.kill();
process.exit(0);
