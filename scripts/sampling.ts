/**
 * `npm run sampling`: which temperature and top-p to recommend for a model. The lower halves of held-out photographs are drawn
 * with each, on the Worker's kernel, and compared with the photographs' own: by what the model says of them, by how rough
 * they are, and by how different the samples of one picture are; with a sheet to look at.
 */
import { writeFile } from "node:fs/promises";
import { readArguments, required } from "../lib/arguments.ts";
import { buildAll } from "../lib/build-all.ts";
import { contactSheet, pngUri } from "../lib/contact-sheet.ts";
import { heldOut, natsOf, openModel, samplesOf } from "../lib/held-out.ts";
import { userPath } from "../lib/user-path.ts";
import { differenceOf, mean, type Row, roughnessOf, table } from "./sampling/measure.ts";

const USAGE = `npm run sampling -- --data FILE.zip --bundle FOLDER [options]

  --data FILE           photographs that the model has not seen: a zip or folder
  --bundle FOLDER       the model's folder, such as r2-assets/models/igpt-base/2
  --pictures N          how many pictures, drawn at random but always the same; default 16
  --samples N           how many samples of each picture; default 4
  --temperatures LIST   default 0.8,0.9,1
  --top-p LIST          default 0.9,0.95,1
  --sheet FILE          a PNG with a row for each picture: the photograph, then a sample of each setting in the table's order
  --json FILE           where to write the measures`;

const { values } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    bundle: { type: "string" },
    pictures: { type: "string", default: "16" },
    samples: { type: "string", default: "4" },
    temperatures: { type: "string", default: "0.8,0.9,1" },
    "top-p": { type: "string", default: "0.9,0.95,1" },
    sheet: { type: "string" },
    json: { type: "string" },
  },
});
const { data, bundle } = required(USAGE, values, ["data", "bundle"]);
const SHEET_PICTURES = 8;

await buildAll();
const model = await openModel(userPath(bundle));
const { palette, architecture } = model.manifest;
const pictures = (await heldOut(userPath(data), model, Number(values.pictures))).map(({ tokens }) => tokens);
const { resolution: side, positions } = architecture;
const half = positions / 2;
const keep = Array.from({ length: positions }, (_, pixel) => pixel < half);

const originals = [];
for (const tokens of pictures) {
  const nats = (await natsOf(model, tokens)).subarray(half);
  originals.push({ nats: mean([...nats]), roughness: roughnessOf(tokens, palette, side) });
}
const sheet = pictures.slice(0, SHEET_PICTURES).map((tokens) => [pngUri(tokens, palette)]);
const rows: Row[] = [];
for (const temperature of values.temperatures.split(",").map(Number)) {
  for (const topP of values["top-p"].split(",").map(Number)) {
    const nats: number[] = [];
    const roughness: number[] = [];
    const different: number[] = [];
    for (const [i, tokens] of pictures.entries()) {
      const samples = await samplesOf(model, tokens, {
        ...{ samples: Number(values.samples), seed: 2020, execution: "EDGE", keep, keepRows: side / 2 },
        sampling: { temperature, topK: 0, topP },
      });
      nats.push(...samples.map(({ nllPerPixel }) => nllPerPixel));
      roughness.push(...samples.map((sample) => roughnessOf(sample.tokens, palette, side)));
      different.push(
        differenceOf(
          samples.map((sample) => sample.tokens.subarray(half)),
          palette,
        ),
      );
      if (samples[0]) sheet[i]?.push(pngUri(samples[0].tokens, palette));
      console.error(`temperature ${temperature}, top-p ${topP}: ${i + 1} of ${pictures.length} pictures`);
    }
    rows.push({
      ...{ temperature, topP, nats: mean(nats), originalNats: mean(originals.map((original) => original.nats)) },
      roughness: mean(roughness) / mean(originals.map((original) => original.roughness)),
      different: mean(different),
    });
  }
}
console.log(table(rows));
if (values.sheet) await writeFile(userPath(values.sheet), contactSheet(sheet, Math.ceil(96 / side)));
if (values.json) {
  const { id, version } = model.manifest;
  await writeFile(userPath(values.json), `${JSON.stringify({ model: id, version, rows }, null, 1)}\n`);
}
