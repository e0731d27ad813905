/** The engines that run in the Worker, in a Worker: what is asked of them is timed from outside. */

import limitsModule from "../../build/limits.wasm";
import type { Manifest } from "../../src/model/bundle/manifest.ts";
import { ModelRepository } from "../../src/model/bundle/repository.ts";
import type { Subject, Task } from "../measure.ts";
import { kernelSubject } from "../peers/kernel.ts";
import { ortWebSubject, type WebMode } from "../peers/ort-web.ts";

export type WorkerEngine = "kernel" | "ort-web-fp32" | "ort-web-int8" | "ort-web-stepwise" | "full-forward";

interface LimitsExports {
  stream(from: number, bytes: number, times: number): number;
  dots(from: number, times: number): number;
}

/** Enough for the weights of every shape. */
const LIMITS_PAGES = 1300;
const GRAPH_KEY = "graph.onnx";

let subject: Subject | undefined;
let limits: LimitsExports | undefined;

export default {
  async fetch(request: Request, { BUCKET }: { BUCKET: R2Bucket }): Promise<Response> {
    const { pathname } = new URL(request.url);
    const input = request.method === "POST" ? await request.json() : undefined;
    try {
      return Response.json((await answer(pathname, input, BUCKET)) ?? null);
    } catch (error) {
      return new Response(error instanceof Error ? `${error.stack}` : String(error), { status: 500 });
    }
  },
};

async function answer(path: string, input: unknown, bucket: R2Bucket): Promise<unknown> {
  switch (path) {
    case "/nothing":
      return null;
    case "/load": {
      const { engine, task } = input as { engine: WorkerEngine; task: Task };
      subject = await load(engine, task, bucket);
      return null;
    }
    case "/prefill":
      return loaded().prefill();
    case "/rows":
      for (const index of input as number[]) await loaded().row(index);
      return null;
    case "/bytes":
      return loaded().peakBytes();
    case "/stream": {
      const { bytes, times } = input as { bytes: number; times: number };
      return limit().stream(65_536, bytes & ~255, times);
    }
    case "/dots":
      return limit().dots(0, input as number);
    default:
      throw new Error(`no ${path}`);
  }
}

function loaded(): Subject {
  if (!subject) throw new Error("nothing is loaded");
  return subject;
}

/** From R2 by the Worker's own code: streamed, checked against its SHA-256, into the engine. */
async function load(engine: WorkerEngine, task: Task, bucket: R2Bucket): Promise<Subject> {
  const repository = new ModelRepository(bucket);
  const manifest: Manifest = await repository.current();
  const files = repository.files(manifest);
  if (engine === "kernel") {
    const { factory } = await import("../../src/model/engines/kernel/factory.ts");
    return kernelSubject(await factory.load(manifest, files), task);
  }
  const { default: binary } = await import("onnxruntime-web/ort-wasm-simd-threaded.wasm");
  const stored = await bucket.get(GRAPH_KEY);
  if (!stored) throw new Error(`${GRAPH_KEY} is missing`);
  const graph = new Uint8Array(await stored.arrayBuffer());
  const weights = await files.bytes("weights.safetensors");
  const mode: WebMode = engine === "ort-web-stepwise" ? "stepwise" : engine === "full-forward" ? engine : "rows";
  return ortWebSubject(task, { binary, graph, weights }, mode);
}

function limit(): LimitsExports {
  if (!limits) {
    const memory = new WebAssembly.Memory({ initial: LIMITS_PAGES });
    new Uint8Array(memory.buffer).fill(1);
    const { exports } = new WebAssembly.Instance(limitsModule, { env: { memory } });
    limits = exports as unknown as LimitsExports;
  }
  return limits;
}
