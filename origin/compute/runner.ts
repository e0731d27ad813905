import type { Bundle } from "../bundles/store.ts";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";

export type EngineKind = "kernel" | "onnx";

/** One loaded model, in a thread: `igpt.onnx`'s interface, whatever computes it. */
export interface Runner {
  run(batch: GraphBatch): Promise<GraphResult>;
  release(): Promise<void>;
}

/** How a thread makes runners. */
export interface RunnerOptions {
  kind: EngineKind;
  /** Cores that one run may use. */
  cores: number;
}

export type MakeRunner = (bundle: Bundle, options: RunnerOptions) => Promise<Runner>;
