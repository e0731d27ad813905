/** onnxruntime-web on one thread, its session options at their fastest. */
import { startRuntime } from "../../src/model/engines/ort/runtime.ts";
import type { Subject, Task } from "../measure.ts";
import { fullForwardSubject } from "./full-forward.ts";
import { rowsSubject } from "./rows-graph.ts";

export type WebMode = "rows" | "stepwise" | "full-forward";

export interface WebFiles {
  /** `onnxruntime-web/ort-wasm-simd-threaded.wasm` */
  binary: WebAssembly.Module;
  graph: Uint8Array;
  weights: Uint8Array;
}

export async function ortWebSubject(task: Task, { binary, graph, weights }: WebFiles, mode: WebMode): Promise<Subject> {
  const { ort, memory } = await startRuntime(binary);
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: ["wasm"],
    externalData: [{ path: "weights.safetensors", data: weights }],
  });
  const peakBytes = () => memory.buffer.byteLength;
  if (mode === "full-forward") return fullForwardSubject(ort, session, task, peakBytes);
  return rowsSubject(ort, session, task, peakBytes, mode === "stepwise");
}
