/** What ships: the kernel behind the engine interface. */

import { createReadStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Generation, Prefix } from "../../src/model/engine.ts";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { givenColors, rowUniforms, type Subject, type Task } from "../measure.ts";
import { ROW, SHAPES } from "../shapes.ts";

const SAMPLING = { temperature: 1, topK: 0, topP: 1 };

export async function loadKernel({ shape, samples }: Task, weights: string): Promise<Subject> {
  const module = await WebAssembly.compile(await readFile(new URL("../../build/kernel.wasm", import.meta.url)));
  const stream = await readSafetensors(createReadStream(weights), statSync(weights).size);
  const engine = await KernelEngine.load("kernel", module, SHAPES[shape], stream);
  const given = givenColors(SHAPES[shape].colors);
  const row = { forced: new Int32Array(samples * ROW).fill(-1), uniforms: rowUniforms(samples) };
  let running: { prefix: Prefix; generation: Generation } | undefined;
  return {
    async prefill() {
      running?.generation.release();
      running?.prefix.release();
      const prefix = engine.openPrefix();
      await prefix.append(given);
      running = { prefix, generation: engine.generate(prefix, samples, SAMPLING) };
    },
    async row() {
      await running?.generation.next(row);
    },
    peakBytes: () => engine.residentBytes + process.memoryUsage().heapUsed,
  };
}
