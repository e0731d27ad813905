/** Small shapes with a graph for onnxruntime each (`python -m igpt.logits_graph --shapes`); tests bring the weights. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";

const FOLDER = join(import.meta.dirname, "shapes");

export interface GraphShape {
  shape: KernelShape;
  /** Where the data begins in the file of weights that the graph reads; before it the graph reads nothing. */
  dataOffset: number;
  /** Compressed. */
  graph: Uint8Array;
}

export function loadShapes(): GraphShape[] {
  const stored = JSON.parse(readFileSync(join(FOLDER, "shapes.json"), "utf8")) as Omit<GraphShape, "graph">[];
  return stored.map((facts, n) => ({ ...facts, graph: readFileSync(join(FOLDER, `${n}.onnx.gz`)) }));
}
