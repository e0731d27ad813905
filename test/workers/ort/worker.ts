/** A Worker that is nothing but the engine, to show what it does inside workerd. */
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import type { Engine, ModelShape } from "../../../src/model/engine.ts";
import { OrtEngine } from "../../../src/model/engines/ort/engine.ts";

export interface Job {
  shape: ModelShape;
  /** Given pixels. */
  tokens: number[];
  samples: number;
  /** Rows of [samples, positions]. */
  uniforms: number[][];
}

export interface Outcome {
  prefixNll: number[];
  features: number[];
  tokens: number[][];
  nll: number[][];
  residentBytes: number;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const job = (await request.json()) as Job & { graph: string; weights: string };
    const bytes = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const files = { graph: bytes(job.graph), weights: bytes(job.weights) };
    const engine = await OrtEngine.load({ ...files, shape: job.shape, wasmModule });
    const outcome = await outcomeOf(engine, job);
    engine.release();
    return Response.json(outcome);
  },
} satisfies ExportedHandler;

/** Runs a job from an empty prefix to its last row. */
export async function outcomeOf(engine: Engine, job: Job): Promise<Outcome> {
  const prefix = engine.openPrefix();
  const prefixNll = await prefix.append(Int32Array.from(job.tokens));
  const generation = engine.generate(prefix, job.samples, { temperature: 1, topK: 0, topP: 1 });
  const rows = [];
  for (const uniforms of job.uniforms) {
    const forced = new Int32Array(uniforms.length).fill(-1);
    rows.push(await generation.next({ forced, uniforms: Float32Array.from(uniforms) }));
  }
  const outcome = {
    prefixNll: [...prefixNll],
    features: [...prefix.features()],
    tokens: rows.map((row) => [...row.tokens]),
    nll: rows.map((row) => [...row.nll]),
    residentBytes: engine.residentBytes,
  };
  generation.release();
  prefix.release();
  return outcome;
}
