/**
 * `npm run seam`: how well fills of painted holes fit the given pixels below them. A hole is cut into the middle of held-out
 * photographs and filled by the edge's own code on the Worker's kernel; then the whole picture is scored, and the two rows
 * under the hole are compared with the original's.
 */
import { writeFile } from "node:fs/promises";
import { readArguments, required } from "../lib/arguments.ts";
import { buildAll } from "../lib/build-all.ts";
import { heldOut, natsOf, openModel, samplesOf } from "../lib/held-out.ts";
import { userPath } from "../lib/user-path.ts";
import { HOLES, holeOf, type Measures, measure, table } from "./seam/measure.ts";

const USAGE = `npm run seam -- --data FILE.zip [options]

  --data FILE         photographs that the model has not seen: a zip or folder
  --bundle FOLDER     the model's folder, such as r2-assets/models/igpt-base/2
  --pictures N        how many pictures, drawn at random but always the same; default 16
  --samples N         how many fills of each picture; default 8
  --candidates LIST   default 1,8,16
  --holes LIST        holes: ${Object.keys(HOLES).join(", ")}, or ROWSxCOLUMNS; default 12x16
  --temperature T     default 1
  --json FILE         where to write the measures`;

const { values } = readArguments(USAGE, {
  options: {
    data: { type: "string" },
    bundle: { type: "string" },
    pictures: { type: "string", default: "16" },
    samples: { type: "string", default: "8" },
    candidates: { type: "string", default: "1,8,16" },
    holes: { type: "string", default: "12x16" },
    temperature: { type: "string", default: "1" },
    json: { type: "string" },
  },
});
const { data, bundle } = required(USAGE, values, ["data", "bundle"]);

await buildAll();
const model = await openModel(userPath(bundle));
const { manifest } = model;
const pictures = (await heldOut(userPath(data), model, Number(values.pictures))).map(({ tokens }) => tokens);
const results: Measures[] = [];
for (const name of values.holes.split(",")) {
  const keep = holeOf(name, manifest.architecture.resolution);
  for (const candidates of values.candidates.split(",").map(Number)) {
    const started = performance.now();
    const fill = (tokens: Int32Array) => filled(tokens, keep, candidates);
    const report = (done: number, excess: number) =>
      console.error(`${name}, ${candidates} candidates: ${done} of ${pictures.length}, +${excess.toFixed(2)} so far`);
    const measured = await measure(pictures, keep, fill, (tokens) => natsOf(model, tokens), report);
    const seconds = (performance.now() - started) / 1000;
    results.push({
      hole: name,
      candidates,
      ...measured,
      secondsASample: seconds / pictures.length / Number(values.samples),
    });
    console.log(table(results.slice(-1)));
  }
}
console.log(table(results));
if (values.json)
  await writeFile(
    userPath(values.json),
    `${JSON.stringify({ model: manifest.id, version: manifest.version, results }, null, 1)}\n`,
  );

function filled(tokens: Int32Array, keep: readonly boolean[], candidates: number) {
  return samplesOf(model, tokens, {
    ...{ samples: Number(values.samples), seed: 2020, execution: "EDGE", keep, keepRows: 0 },
    sampling: { temperature: Number(values.temperature), topK: 0, topP: 1 },
    ...(candidates > 1 ? { candidates } : {}),
  });
}
