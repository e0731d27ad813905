/** The engine over onnxruntime-web: float arithmetic on the dequantised weights. */
import {
  type Engine,
  type Generation,
  type ModelShape,
  PREFIX_CHUNK,
  type Prefix,
  type PrefixUse,
  type Sampling,
} from "../../engine.ts";
import { OrtGeneration } from "./generation.ts";
import { RowsGraph } from "./graph.ts";
import { heapBytes, requestBytes } from "./plan.ts";
import { OrtPrefix } from "./prefix.ts";
import { startRuntime } from "./runtime.ts";

export interface OrtModel {
  /** `igpt-rows.onnx`. */
  graph: Uint8Array;
  /** `weights.safetensors`; not kept. */
  weights: Uint8Array;
  shape: ModelShape;
  /** Whether the layers have biases: they count in memory. */
  bias?: boolean;
  /** `onnxruntime-web/ort-wasm-simd-threaded.wasm`, compiled; the first engine's is used for all. */
  wasmModule: WebAssembly.Module;
}

export class OrtEngine implements Engine {
  readonly name = "onnx";
  readonly shape: ModelShape;
  readonly #memory: WebAssembly.Memory;
  #graph: RowsGraph | undefined;

  private constructor(graph: RowsGraph, memory: WebAssembly.Memory, shape: ModelShape) {
    this.#graph = graph;
    this.#memory = memory;
    this.shape = shape;
  }

  /** Loads a model. The runtime is started by the first one. @throws Error when onnxruntime cannot load it. */
  static async load(model: OrtModel): Promise<OrtEngine> {
    const runtime = await startRuntime(model.wasmModule);
    reserve(runtime.memory, heapBytes(model.shape, model.bias));
    const graph = await RowsGraph.open(runtime, model.graph, model.weights, model.shape);
    return new OrtEngine(graph, runtime.memory, model.shape);
  }

  /** The whole linear memory, which all engines of an isolate share: counted more than once when there are several. */
  get residentBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  requestBytes(samples: number): number {
    return requestBytes(this.shape, samples);
  }

  /** Whole rows, since the graph's sums depend on where a row is cut. */
  turnPositions(samples: number): number {
    return samples === 0 ? PREFIX_CHUNK : this.shape.positions;
  }

  /** All layers are one graph, so nothing is left out. */
  openPrefix({ layers = this.shape.layers }: PrefixUse = {}): Prefix {
    if (layers < 0 || layers > this.shape.layers) throw new RangeError(`${layers} of ${this.shape.layers} layers`);
    return new OrtPrefix(this.#open, this.shape);
  }

  generate(prefix: Prefix, samples: number, sampling: Sampling): Generation {
    if (!(prefix instanceof OrtPrefix)) throw new TypeError("a prefix of this engine is needed");
    return new OrtGeneration(this.#open, this.shape, prefix, samples, sampling);
  }

  /** The linear memory stays as large as it is; the next engine of this kind uses it. */
  release(): void {
    const graph = this.#graph;
    this.#graph = undefined;
    // The session goes once the runs before it are done; nobody waits for that.
    graph?.release().catch((error: unknown) => console.error("onnxruntime did not release a session", error));
  }

  get #open(): RowsGraph {
    if (!this.#graph) throw new Error("the engine was released");
    return this.#graph;
  }
}

/** Grows the memory at once to what is planned: the glue's own growth, a fifth at a time, would overshoot it. */
function reserve(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
}
