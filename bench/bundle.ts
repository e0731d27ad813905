/**
 * `npx tsx bench/bundle.ts FOLDER [SHAPE]`: a bucket with one model of a shape (default iGPT-S) and random weights, for
 * measurements in the Worker: `npx tsx scripts/measure-memory.ts kernel PHOTO FOLDER`. A shape is a name of SHAPES or
 * LAYERSxWIDTHxHEADS.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KernelShape } from "../src/model/engines/kernel/tensors.ts";
import { weightProducts } from "../src/model/weight-products.ts";
import { shapeOf, weightsFile } from "./shapes.ts";

/** Where the weights of `writeBundle`'s model lie in its folder. */
export const WEIGHTS_PATH = "models/random/1/weights.safetensors";

/** A folder laid out like r2-assets, with one model, "random", of a shape. */
export async function writeBundle(folder: string, shape: KernelShape): Promise<void> {
  const weights = weightsFile(shape);
  const manifest = {
    format: 1,
    id: "random",
    version: "1",
    architecture: { ...shape, resolution: Math.sqrt(shape.positions) },
    precision: "int8",
    parameters: weightProducts(shape) + (shape.colors + shape.positions + 1) * shape.width,
    embeddingLayer: Math.round(shape.layers / 2),
    palette: Array.from({ length: shape.colors }, (_, i) => [(i >> 6) * 36, ((i >> 3) & 7) * 36, (i & 7) * 36]),
    files: {
      "weights.safetensors": { bytes: weights.length, sha256: createHash("sha256").update(weights).digest("hex") },
    },
  };
  const index = { format: 1, default: "random", models: { random: { version: "1", versions: ["1"] } } };
  await mkdir(join(folder, "models/random/1"), { recursive: true });
  await writeFile(join(folder, WEIGHTS_PATH), weights);
  await writeFile(join(folder, "models/random/1/manifest.json"), JSON.stringify(manifest));
  await writeFile(join(folder, "models/index.json"), JSON.stringify(index));
}

if (import.meta.filename === process.argv[1]) {
  const [folder, name = "iGPT-S"] = process.argv.slice(2);
  if (!folder) throw new Error("npx tsx bench/bundle.ts FOLDER [SHAPE]");
  await writeBundle(folder, shapeOf(name));
}
