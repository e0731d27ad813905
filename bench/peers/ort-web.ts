/** onnxruntime-web on one thread, its session options at their fastest. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { startRuntime } from "../../src/model/engines/ort/runtime.ts";
import type { Subject, Task } from "../measure.ts";
import { fullForwardSubject } from "./full-forward.ts";
import { type Precision, readGraph } from "./graph.ts";
import { rowsSubject } from "./rows-graph.ts";

export type WebMode = "rows" | "stepwise" | "full-forward";

export async function loadOrtWeb(task: Task, weights: string, precision: Precision, mode: WebMode): Promise<Subject> {
  const binary = createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");
  const { ort, memory } = await startRuntime(await WebAssembly.compile(await readFile(binary)));
  const data = new Uint8Array(await readFile(weights));
  const session = await ort.InferenceSession.create(await readGraph(task.shape, precision), {
    executionProviders: ["wasm"],
    externalData: [{ path: "weights.safetensors", data }],
  });
  const peakBytes = () => memory.buffer.byteLength + process.memoryUsage().heapUsed;
  if (mode === "full-forward") return fullForwardSubject(ort, session, task, peakBytes);
  return rowsSubject(ort, session, task, peakBytes, mode === "stepwise");
}
