/** A session of `igpt-rows.onnx` (docs/tensors.md says what its inputs and outputs are). */
import type { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import type { ModelShape, Sampling } from "../../engine.ts";
import type { Cache, GrowingTensor } from "./cache.ts";
import { exclusively, type Runtime } from "./runtime.ts";

/** The name by which the graph refers to its initialisers' file. */
const WEIGHTS_NAME = "weights.safetensors";

/** T steps of n positions for B samples: a chunk of given pixels is T = 1, a row of new ones is n = 1. */
export interface Steps {
  steps: number;
  positions: number;
  /** [T, B, n] palette indices, -1 = sample. */
  forced: Int32Array;
  /** [T, B, n] in [0, 1). */
  uniforms: Float32Array;
  /** [B] colour before the first of these positions, -1 at the start of a picture. */
  last: Int32Array;
  sampling: Sampling;
  /** Batch 1, shared by all samples. */
  prefix: Cache;
  /** The samples' own positions before this row; its batch is B. */
  own: Cache;
  /** The row so far, as the last call returned it; none at the start of a row. */
  row?: RowCache | undefined;
}

/** Keys and values of a row so far. */
export interface RowCache {
  length: number;
  /** Per layer [B, H, W, length]. */
  keys: Float32Array[];
  /** Per layer [B, H, length, W]. */
  values: Float32Array[];
}

export interface StepsResult {
  /** [T, B, n] palette indices. */
  samples: Int32Array;
  /** [T, B, n] nats under the model's own distribution. */
  nll: Float32Array;
  /** [B, L + 1, D] normed states, summed over the T * n positions. */
  stateSums: Float32Array;
  /** With these T * n positions at its end. */
  row: RowCache;
}

export class RowsGraph {
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #shape: ModelShape;

  private constructor(runtime: Runtime, session: InferenceSession, shape: ModelShape) {
    this.#runtime = runtime;
    this.#session = session;
    this.#shape = shape;
  }

  /** @throws Error when the graph or its weights are not what onnxruntime can load. */
  static async open(runtime: Runtime, graph: Uint8Array, weights: Uint8Array, shape: ModelShape): Promise<RowsGraph> {
    const session = await openSession(runtime, graph, weights);
    return new RowsGraph(runtime, session, shape);
  }

  async run(input: Steps): Promise<StepsResult> {
    const feeds = feedsOf(this.#runtime.ort.Tensor, this.#shape, input);
    return resultOf(await exclusively(() => this.#session.run(feeds)), this.#shape, input);
  }

  async release(): Promise<void> {
    await exclusively(() => this.#session.release());
  }
}

/** @throws Error when the graph or its weights are not what onnxruntime can load. */
export function openSession(runtime: Runtime, graph: Uint8Array, weights: Uint8Array): Promise<InferenceSession> {
  return exclusively(() =>
    runtime.ort.InferenceSession.create(graph, {
      executionProviders: ["wasm"],
      externalData: [{ path: WEIGHTS_NAME, data: weights }],
      // Freed memory goes back to the allocator of the linear memory instead of to an arena that only one size uses.
      enableCpuMemArena: false,
      enableMemPattern: false,
      extra: {
        // Weights are dequantised once, at load, and not packed: packing would hold them twice and gains nothing here.
        session: { disable_quant_qdq: "1", disable_prepacking: "1" },
      },
    }),
  );
}

/** The graph's inputs. @throws Error when a cache has not all layers */
export function feedsOf(Tensor: Onnxruntime["Tensor"], shape: ModelShape, input: Steps): Record<string, Tensor> {
  const { heads, width, layers } = shape;
  const headWidth = width / heads;
  const batch = input.own.samples;
  const dims = [input.steps, batch, input.positions];
  const feeds: Record<string, Tensor> = {
    forced: new Tensor("int64", BigInt64Array.from(input.forced, BigInt), dims),
    uniforms: new Tensor("float32", input.uniforms, dims),
    last: new Tensor("int64", BigInt64Array.from(input.last, BigInt), [batch, 1]),
    temperature: new Tensor("float32", new Float32Array(batch).fill(input.sampling.temperature), [batch, 1]),
    top_k: new Tensor("int64", new BigInt64Array(batch).fill(BigInt(input.sampling.topK)), [batch, 1]),
    top_p: new Tensor("float32", new Float32Array(batch).fill(input.sampling.topP), [batch, 1]),
  };
  const feed = (name: string, samples: number, length: number, keys: Parts, values: Parts) => {
    for (let n = 0; n < layers; n++) {
      const [key, value] = [keys[n], values[n]];
      if (!key || !value) throw new Error(`a cache of ${layers} layers is needed`);
      feeds[`${name}_keys.${n}`] = new Tensor("float32", key, [samples, heads, headWidth, length]);
      feeds[`${name}_values.${n}`] = new Tensor("float32", value, [samples, heads, length, headWidth]);
    }
  };
  const { prefix, own } = input;
  const nothing = Array.from({ length: layers }, () => new Float32Array());
  const row = input.row ?? { length: 0, keys: nothing, values: nothing };
  feed("prefix", prefix.samples, prefix.length, data(prefix.keys), data(prefix.values));
  feed("own", batch, own.length, data(own.keys), data(own.values));
  feed("row", batch, row.length, row.keys, row.values);
  return feeds;
}

/** @throws Error when the graph is not one of ours */
export function resultOf(output: Output, { layers }: ModelShape, input: Steps): StepsResult {
  const numbers = Array.from({ length: layers }, (_, n) => n);
  return {
    samples: Int32Array.from(int64Data(output, "samples"), Number),
    nll: floatData(output, "nll"),
    stateSums: floatData(output, "state_sums"),
    row: {
      length: (input.row?.length ?? 0) + input.steps * input.positions,
      keys: numbers.map((n) => floatData(output, `keys.${n}`)),
      values: numbers.map((n) => floatData(output, `values.${n}`)),
    },
  };
}

type Onnxruntime = Runtime["ort"];
type Output = InferenceSession.OnnxValueMapType;
type Parts = readonly Float32Array[];

function data(tensors: readonly GrowingTensor[]): Parts {
  return tensors.map((tensor) => tensor.data);
}

/** One of a run's outputs. @throws Error when it is missing or of another kind */
export function floatData(output: Output, name: string): Float32Array {
  const data = output[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the graph's output ${name} is missing or not float32`);
  return data;
}

function int64Data(output: Output, name: string): BigInt64Array {
  const data = output[name]?.data;
  if (!(data instanceof BigInt64Array)) throw new Error(`the graph's output ${name} is missing or not int64`);
  return data;
}
