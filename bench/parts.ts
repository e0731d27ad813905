/**
 * `npm run build:kernel && npx tsx bench/parts.ts [L8|L8-64|L12|iGPT-S]`: where the time of a step and of a prefix goes, beside the
 * machine's limits, with each access to memory checked in code, as workerd does. Each figure is the fastest of many short runs (the third percentile), so that
 * others on the machine disturb least.
 */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { layoutOf, PAGE_POSITIONS, ROWS, WASM_PAGE } from "../src/model/engines/kernel/layout.ts";
import { measureLimits, streamOf } from "./limits.ts";
import { SHAPES, weightBytesPerStep, weightsFile } from "./shapes.ts";

// Before anything is compiled.
setFlagsFromString("--wasm-enforce-bounds-checks");

interface Parts {
  setup(): void;
  prepare(): void;
  multiply(rows: number): void;
  attend(rows: number, phases: number): void;
  quantise(rows: number): void;
  normalise(rows: number): void;
  sample(rows: number): number;
  fill(rows: number): void;
  prefill(rows: number, depth: number, score: boolean): void;
  generate(rows: number, steps: number, temperature: number, topK: number, topP: number): void;
}

const name = (process.argv[2] ?? "L8") as keyof typeof SHAPES;
const shape = SHAPES[name];
const SAMPLES = name === "iGPT-S" ? [1] : [1, 2, 4, 8];
/** Positions that the samples share: half a picture. */
const SHARED = shape.positions / 2;
/** Positions looked back at, from the first generated one to the last. */
const CONTEXTS = [SHARED + 8, SHARED * 1.5 - 8, shape.positions - 4];

const layout = layoutOf(shape);
const pagesOf = (samples: number) => layout.tableEntries * (samples + 1);
const memory = new WebAssembly.Memory({
  initial: Math.ceil((layout.pagesAddress + layout.pageBytes * pagesOf(Math.max(...SAMPLES))) / WASM_PAGE),
});
const module = await WebAssembly.compile(await readFile(new URL("../build/parts.wasm", import.meta.url)));
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const parts = exports as unknown as Parts;
// The first region, the constants, is where the kernel expects it.
const regions = Object.fromEntries(layout.regions.slice(1).map((region) => [region.name, region.address]));
const { tableEntries } = layout;
for (const [global, value] of Object.entries({ ...shape, ...regions, tableEntries, biases: 0 })) {
  const cell = exports[global];
  if (cell instanceof WebAssembly.Global) cell.value = value;
}
parts.setup();
const { address, bytes } = layout.byName.weights;
new Uint8Array(memory.buffer, address, bytes).set(weightsFile(shape).subarray(-bytes));
parts.prepare();
for (const region of ["normed", "wide"] as const) {
  const { address, bytes } = layout.byName[region];
  new Float32Array(memory.buffer, address, bytes / 4).forEach((_, i, all) => {
    all[i] = ((i * 0.618033988749895) % 2) - 1;
  });
}

/** Rows at a position each, their pages: those of the first positions shared, the others their own. */
function setRows(rows: readonly { position: number; sample: number }[]): void {
  const ints = (region: "inputs" | "rowPositions" | "tables") => {
    const { address, bytes } = layout.byName[region];
    return new Int32Array(memory.buffer, address, bytes / 4);
  };
  rows.forEach(({ position, sample }, r) => {
    ints("inputs")[r] = 1;
    ints("rowPositions")[r] = position;
    for (let page = 0; page < tableEntries; page++) {
      const own = page * PAGE_POSITIONS >= SHARED ? tableEntries * (1 + sample) : 0;
      ints("tables")[r * tableEntries + page] = layout.pagesAddress + (own + page) * layout.pageBytes;
    }
  });
}

function fastest(work: () => void, prepare = () => {}): number {
  const times: number[] = [];
  for (let i = 0; i < 150; i++) {
    prepare();
    const begin = performance.now();
    work();
    if (i >= 30) times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 30)] ?? Number.NaN;
}

for (let sample = 0; sample < Math.max(...SAMPLES); sample++) {
  for (let first = 0; first < shape.positions; first += ROWS) {
    setRows(Array.from({ length: ROWS }, (_, i) => ({ position: first + i, sample })));
    parts.fill(ROWS);
  }
}
const limits = await measureLimits();
const weights = weightBytesPerStep(shape);
const stream = streamOf(limits, name);
console.log(
  `${name}: ${shape.layers} layers of ${shape.width}, ${shape.heads} heads, ${shape.positions} positions. Limits: dots ${limits.dots.toFixed(0)} GOP/s, reading ${stream.toFixed(1)} GB/s`,
);
for (const rows of [...SAMPLES, ROWS]) {
  const ms = fastest(() => parts.multiply(rows));
  const [gop, gb] = [(2 * weights * rows) / ms / 1e6, weights / ms / 1e6];
  const share = Math.max(gop / limits.dots, gb / stream);
  const rates = `${gop.toFixed(0)} GOP/s, ${gb.toFixed(1)} GB/s: ${(100 * share).toFixed(0)}% of the nearer limit`;
  console.log(`products of ${rows} rows: ${ms.toFixed(3)} ms, ${rates}`);
}

/** Where a step's time goes, or that of a prefix's ROWS rows, in milliseconds. */
function partsOf(rows: number, at: () => void, whole: () => void): Record<string, string> {
  const attend = [1, 2, 3].map((phases) => fastest(() => parts.attend(rows, phases), at));
  const [scores = 0, softmax = 0, mix = 0] = attend;
  const quantising = fastest(() => parts.quantise(rows));
  const measured = {
    whole: fastest(whole, at),
    products: fastest(() => parts.multiply(rows)) - quantising,
    quantising,
    scores,
    softmax: softmax - scores,
    mix: mix - softmax,
    "norms, GELU": fastest(() => parts.normalise(rows)),
    sampling: fastest(() => parts.sample(rows)),
  };
  const known = Object.values(measured).reduce((sum, ms) => sum + ms, -measured.whole);
  // Reading the tables, keeping keys and values; and what one part pushes out of the caches of the next.
  const all = { ...measured, "the rest": measured.whole - known };
  return Object.fromEntries(Object.entries(all).map(([part, ms]) => [part, ms.toFixed(3)]));
}

const table: Record<string, Record<string, string>> = {};
for (const samples of SAMPLES) {
  for (const position of CONTEXTS) {
    const at = () => setRows(Array.from({ length: samples }, (_, sample) => ({ position, sample })));
    table[`step, ${samples} samples at ${position}`] = partsOf(samples, at, () => parts.generate(samples, 1, 1, 0, 1));
  }
}
for (const first of [SHARED - ROWS, shape.positions - ROWS]) {
  const at = () => setRows(Array.from({ length: ROWS }, (_, i) => ({ position: first + i, sample: 0 })));
  table[`prefix, positions ${first} to ${first + ROWS - 1}`] = partsOf(ROWS, at, () =>
    parts.prefill(ROWS, shape.layers, false),
  );
}
console.table(table);
