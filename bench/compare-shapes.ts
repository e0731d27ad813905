/**
 * `npx tsx bench/compare-shapes.ts [--rounds 7] [SHAPE ...]`: what shapes of models cost, for choosing the one to train: half a
 * picture of one and of four samples, on the kernel in Node with each access to memory checked in
 * code, as workerd does. A shape is a name of SHAPES or LAYERSxWIDTHxHEADS; weights are random. All shapes take turns in one
 * process, and each row's figure is the fastest of the rounds, in CPU
 * time, which others on the machine disturb least.
 */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { readArguments } from "../lib/arguments.ts";
import { readSafetensors } from "../src/model/bundle/safetensors.ts";
import { KernelEngine } from "../src/model/engines/kernel/engine.ts";
import { weightProducts } from "../src/model/weight-products.ts";
import { Fastest } from "./fastest.ts";
import { givenColors, rowUniforms } from "./measure.ts";
import { halfOf, ROW, shapeOf, weightsFile } from "./shapes.ts";

// Before anything is compiled.
setFlagsFromString("--wasm-enforce-bounds-checks");

const USAGE = `npx tsx bench/compare-shapes.ts [options] [SHAPE ...]

  --rounds N         of which the fastest counts; default 7`;

const { values, positionals } = readArguments(USAGE, {
  options: { rounds: { type: "string", default: "7" } },
  allowPositionals: true,
});
/** Around 12 layers of 384: fewer and more layers, narrower and wider, heads of 32 and of 64. */
const DEFAULT = [
  "L12",
  "L8",
  "10x320x5",
  "10x320x10",
  "12x320x5",
  "14x320x5",
  "10x384x6",
  "12x384x12",
  "14x384x6",
  "10x448x7",
  "12x448x7",
];
const SAMPLES = [1, 4];

const module = await WebAssembly.compile(await readFile(new URL("../build/kernel.wasm", import.meta.url)));
const names = positionals.length ? positionals : DEFAULT;
const subjects = await Promise.all(
  names.map(async (name) => {
    const shape = shapeOf(name);
    const file = weightsFile(shape);
    const engine = await KernelEngine.load("kernel", module, shape, await readSafetensors(chunksOf(file), file.length));
    return { name, shape, engine, best: new Fastest() };
  }),
);
type Subject = (typeof subjects)[number];

for (let round = 0; round < Number(values.rounds); round++) {
  for (const subject of subjects) {
    await givenHalf(subject);
    for (const samples of SAMPLES) await generatedRows(subject, samples);
  }
}

const [first] = subjects;
const table = subjects.map((subject) => ({
  shape: subject.name,
  "million weights": (weightProducts(subject.shape) / 1e6).toFixed(1),
  "given, ms": subject.best.of("given").toFixed(0),
  ...Object.fromEntries(
    SAMPLES.flatMap((samples) => [
      [`half, ${samples}, ms`, half(subject, samples).toFixed(0)],
      [`of ${first?.name}, ${samples}`, (half(subject, samples) / half(first, samples)).toFixed(2)],
    ]),
  ),
}));
console.table(table);

async function* chunksOf(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file;
}

async function givenHalf({ engine, shape, best }: Subject): Promise<void> {
  const prefix = engine.openPrefix({ scored: false });
  await best.time("given", () => prefix.append(givenColors(shape)));
  prefix.release();
}

async function generatedRows({ engine, shape, best }: Subject, samples: number): Promise<void> {
  const prefix = engine.openPrefix({ scored: false });
  await prefix.append(givenColors(shape));
  const generation = engine.generate(prefix, samples, { temperature: 1, topK: 0, topP: 1 });
  const input = { forced: new Int32Array(samples * ROW).fill(-1), uniforms: rowUniforms(samples) };
  for (let row = 0; row < halfOf(shape) / ROW; row++)
    await best.time(`${samples}, ${row}`, () => generation.next(input));
  generation.release();
  prefix.release();
}

/** Milliseconds of half a picture: each of its rows by the fastest. */
function half(subject: Subject | undefined, samples: number): number {
  if (!subject) return Number.NaN;
  const rows = Array.from({ length: halfOf(subject.shape) / ROW }, (_, row) => subject.best.of(`${samples}, ${row}`));
  return rows.reduce((sum, ms) => sum + ms, subject.best.of("given"));
}
