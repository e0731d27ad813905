/**
 * `npx tsx bench/bundle.ts FOLDER`: a bucket with one model of iGPT-S's shape and random weights, for measurements in the
 * Worker: `npx tsx scripts/measure-memory.ts kernel PHOTO FOLDER`.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SHAPES, weightsFile } from "./shapes.ts";

const ID = "igpt-s";
const [folder] = process.argv.slice(2);
if (!folder) throw new Error("npx tsx bench/bundle.ts FOLDER");
const shape = SHAPES["iGPT-S"];
const weights = weightsFile(shape);
const manifest = {
  format: 1,
  id: ID,
  version: "1",
  architecture: { ...shape, resolution: 32 },
  precision: "int8",
  parameters: 76_570_624,
  embeddingLayer: 16,
  palette: Array.from({ length: shape.colors }, (_, i) => [(i >> 6) * 36, ((i >> 3) & 7) * 36, (i & 7) * 36]),
  files: {
    "weights.safetensors": { bytes: weights.length, sha256: createHash("sha256").update(weights).digest("hex") },
  },
};
const index = { format: 1, default: ID, models: { [ID]: { version: "1", versions: ["1"] } } };
await mkdir(join(folder, "models", ID, "1"), { recursive: true });
await writeFile(join(folder, "models", ID, "1", "weights.safetensors"), weights);
await writeFile(join(folder, "models", ID, "1", "manifest.json"), JSON.stringify(manifest));
await writeFile(join(folder, "models", "index.json"), JSON.stringify(index));
