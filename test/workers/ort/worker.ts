/** A Worker that is nothing but the engine, to show what it does inside workerd: POST tokens and uniforms, get a row. */
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import type { ModelShape } from "../../../src/model/engine.ts";
import { OrtEngine } from "../../../src/model/engines/ort/engine.ts";

export interface Job {
  graph: string;
  weights: string;
  shape: ModelShape;
  /** Given pixels. */
  tokens: number[];
  samples: number;
  /** [samples, row] each. */
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
    const job = (await request.json()) as Job;
    const bytes = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const engine = await OrtEngine.load({
      graph: bytes(job.graph),
      weights: bytes(job.weights),
      shape: job.shape,
      wasmModule,
    });
    const prefix = engine.openPrefix();
    const prefixNll = await prefix.append(Int32Array.from(job.tokens));
    const generation = engine.generate(prefix, job.samples, { temperature: 1, topK: 0, topP: 1 });
    const outcome: Outcome = {
      prefixNll: [...prefixNll],
      features: [...prefix.features()],
      tokens: [],
      nll: [],
      residentBytes: engine.residentBytes,
    };
    for (const uniforms of job.uniforms) {
      const forced = new Int32Array(uniforms.length).fill(-1);
      const row = await generation.next({ forced, uniforms: Float32Array.from(uniforms) });
      outcome.tokens.push([...row.tokens]);
      outcome.nll.push([...row.nll]);
    }
    generation.release();
    prefix.release();
    engine.release();
    return Response.json(outcome);
  },
} satisfies ExportedHandler;
