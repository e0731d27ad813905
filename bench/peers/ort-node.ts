/** onnxruntime's native CPU build on one thread. */
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ort from "onnxruntime-node";
import type { Subject, Task } from "../measure.ts";
import { type Precision, readGraph } from "./graph.ts";
import { type Onnxruntime, rowsSubject } from "./rows-graph.ts";

export async function loadOrtNode(task: Task, weights: string, precision: Precision): Promise<Subject> {
  // External data are looked for beside the graph.
  const folder = await mkdtemp(join(tmpdir(), "igpt-bench-"));
  try {
    await writeFile(join(folder, "rows.onnx"), await readGraph(task.shape, precision));
    await copyFile(weights, join(folder, "weights.safetensors"));
    const session = await ort.InferenceSession.create(join(folder, "rows.onnx"), {
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
    });
    const peakBytes = () => process.resourceUsage().maxRSS * 1024;
    return rowsSubject(ort as unknown as Onnxruntime, session as never, task, peakBytes);
  } finally {
    await rm(folder, { recursive: true });
  }
}
