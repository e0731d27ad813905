/** `igpt.onnx`'s interface by the edge's own kernel: the same binary, so edge and origin give the same samples. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../lib/root.ts";
import { WEIGHTS_FILE } from "../../src/model/bundle/manifest.ts";
import { readSafetensors } from "../../src/model/bundle/safetensors.ts";
import { CandidateFilter } from "../../src/model/candidates/filter.ts";
import type { Palette } from "../../src/model/candidates/outlook.ts";
import { runCandidates } from "../../src/model/candidates/run.ts";
import { type Engine, PREFIX_CHUNK, type Prefix } from "../../src/model/engine.ts";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import { SoloSession } from "../../src/model/session.ts";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";
import { filteredRow, putSample } from "./filtered.ts";
import type { MakeRunner } from "./runner.ts";

/** What the Worker ships, see kernel/build.mjs. */
const BINARY = join(ROOT, "build/kernel.wasm");

export const makeKernelRunner: MakeRunner = async ({ manifest, directory }) => {
  const weights = join(directory, WEIGHTS_FILE);
  const [binary, { size }] = await Promise.all([readFile(BINARY), stat(weights)]);
  const engine = await KernelEngine.load(
    "kernel",
    await WebAssembly.compile(binary),
    manifest.architecture,
    await readSafetensors(createReadStream(weights), size),
  );
  const prefixes = new LastPrefix(engine);
  return {
    run: (batch) => runRows(engine, prefixes, batch, manifest.palette),
    release: async () => {
      prefixes.release();
      engine.release();
    },
  };
};

/** The prefix that was run last: a job's chunks are of one picture and come one after another. */
class LastPrefix {
  readonly #engine: Engine;
  #last: { key: string; prefix: Prefix; nll: Float32Array } | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Valid until the next call. @returns the prefix, and nats of its colours */
  async of(tokens: Int32Array): Promise<{ prefix: Prefix; nll: Float32Array }> {
    const key = tokens.join();
    if (this.#last?.key === key) return this.#last;
    this.release();
    const prefix = this.#engine.openPrefix();
    const nll = new Float32Array(tokens.length);
    for (let at = 0; at < tokens.length; at += PREFIX_CHUNK) {
      nll.set(await prefix.append(tokens.subarray(at, at + PREFIX_CHUNK)), at);
    }
    this.#last = { key, prefix, nll };
    return this.#last;
  }

  release(): void {
    this.#last?.prefix.release();
    this.#last = undefined;
  }
}

async function runRows(
  engine: Engine,
  prefixes: LastPrefix,
  batch: GraphBatch,
  palette: Palette,
): Promise<GraphResult> {
  const { rows, given, generate } = batch;
  const { layers, width } = engine.shape;
  const result: GraphResult = {
    samples: new Int32Array(rows * generate),
    nll: new Float32Array(rows * generate),
    prefixNll: new Float32Array(rows * given),
    features: new Float32Array(rows * (layers + 1) * width),
  };
  for (const group of alike(batch)) await runGroup(engine, prefixes, batch, group, palette, result);
  return result;
}

/** One row by its candidates. */
async function runFiltered(
  engine: Engine,
  prefix: Prefix,
  batch: GraphBatch,
  b: number,
  palette: Palette,
  out: GraphResult,
): Promise<void> {
  const { options, sampling } = filteredRow(batch, b, palette, engine.shape.positions);
  const filter = new CandidateFilter(options);
  const session = new SoloSession(engine);
  try {
    for await (const _ of runCandidates(session, prefix, sampling, filter));
    putSample(filter, batch, b, out);
  } finally {
    session.release();
  }
}

/** Rows with the same given colours and options: they share one prefix. */
function alike({ rows, given, tokens, temperature, topK, topP }: GraphBatch): number[][] {
  const groups = new Map<string, number[]>();
  for (let b = 0; b < rows; b++) {
    const key = [temperature[b], topK[b], topP[b], ...tokens.subarray(b * given, (b + 1) * given)].join();
    const group = groups.get(key);
    if (group) group.push(b);
    else groups.set(key, [b]);
  }
  return [...groups.values()];
}

async function runGroup(
  engine: Engine,
  prefixes: LastPrefix,
  batch: GraphBatch,
  group: readonly number[],
  palette: Palette,
  out: GraphResult,
): Promise<void> {
  const { given, generate } = batch;
  const [first = 0] = group;
  const { prefix, nll } = await prefixes.of(batch.tokens.slice(first * given, (first + 1) * given));
  // The mean over no positions is zero, as in the graph.
  const features = given > 0 ? prefix.features() : new Float32Array(0);
  for (const b of group) {
    out.prefixNll.set(nll, b * given);
    out.features.set(features, (b * out.features.length) / batch.rows);
  }
  if (generate === 0) return;
  if (batch.filter) {
    for (const b of group) await runFiltered(engine, prefix, batch, b, palette, out);
    return;
  }
  const generation = engine.generate(prefix, group.length, {
    temperature: batch.temperature[first] ?? 1,
    topK: batch.topK[first] ?? 0,
    topP: batch.topP[first] ?? 1,
  });
  try {
    for (const [from, to] of pictureRows(given, generate, Math.sqrt(engine.shape.positions))) {
      const cut = (source: Int32Array | Float32Array) =>
        group.flatMap((b) => Array.from(source.subarray(b * generate + from, b * generate + to)));
      const row = { forced: Int32Array.from(cut(batch.forced)), uniforms: Float32Array.from(cut(batch.uniforms)) };
      const { tokens, nll } = await generation.next(row);
      const length = to - from;
      group.forEach((b, i) => {
        out.samples.set(tokens.subarray(i * length, (i + 1) * length), b * generate + from);
        out.nll.set(nll.subarray(i * length, (i + 1) * length), b * generate + from);
      });
    }
  } finally {
    generation.release();
  }
}

/** The edge's cuts: up to the border of the picture's row first, then whole rows. */
function* pictureRows(given: number, generate: number, side: number): Generator<[from: number, to: number]> {
  for (let at = 0; at < generate; ) {
    const border = (Math.floor((given + at) / side) + 1) * side - given;
    const to = Math.min(border, generate);
    yield [at, to];
    at = to;
  }
}
