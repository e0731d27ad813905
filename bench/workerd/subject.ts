/** An engine in workerd, and the machine's limits there, timed from outside. */
import { startWorkerd, type Workerd } from "../../lib/workerd.ts";
import type { Measurable, Task } from "../measure.ts";
import { readGraph } from "../peers/graph.ts";
import { bundle } from "./build.ts";
import type { WorkerEngine } from "./subject-worker.ts";

const IDLE_REQUESTS = 15;

export interface SubjectWorker {
  /** Loads an engine as the Worker does. */
  load(engine: WorkerEngine, task: Task): Promise<Measurable>;
  /** Milliseconds of `times` readings of `bytes`, and of `times` x 12 dots, the way there and back included. */
  stream(bytes: number, times: number): Promise<number>;
  dots(times: number): Promise<number>;
  close(): Promise<void>;
}

/** @param models a folder that `writeBundle` wrote; none: for the limits alone */
export async function startSubjectWorker(models?: string, graph?: Uint8Array): Promise<SubjectWorker> {
  const worker = await startWorkerd({ modules: await bundle(new URL("subject-worker.ts", import.meta.url)) });
  if (models) await worker.publish(models);
  if (graph) await worker.bucket.put("graph.onnx", graph);
  const call = async (path: string, input?: unknown): Promise<unknown> =>
    (await worker.request(path, input === undefined ? {} : { method: "POST", body: JSON.stringify(input) })).json();
  const timed = async (path: string, input?: unknown): Promise<number> => {
    const begin = performance.now();
    await call(path, input);
    return performance.now() - begin;
  };
  const idle = await idleOf(worker);
  return {
    async load(engine, task) {
      await call("/load", { engine, task });
      return {
        prefill: async () => void (await call("/prefill")),
        rows: async (indices) => void (await call("/rows", indices)),
        peakBytes: async () => Number(await call("/bytes")) + (await worker.heap()).heap,
        cpuMs: worker.cpuMs,
        idle,
      };
    },
    stream: (bytes, times) => timed("/stream", { bytes, times }),
    dots: (times) => timed("/dots", times),
    close: worker.close,
  };
}

/** What a request for nothing takes, the median of some. */
async function idleOf(worker: Workerd): Promise<Measurable["idle"]> {
  const times: { wall: number; cpu: number }[] = [];
  for (let i = 0; i < IDLE_REQUESTS; i++) {
    const before = await worker.cpuMs();
    const begin = performance.now();
    await (await worker.request("/nothing")).json();
    times.push({ wall: performance.now() - begin, cpu: (await worker.cpuMs()) - before });
  }
  const median = (of: "wall" | "cpu") =>
    times.map((time) => time[of]).sort((a, b) => a - b)[IDLE_REQUESTS >> 1] ?? Number.NaN;
  return { wall: median("wall"), cpu: median("cpu") };
}

/** The graph that an engine of onnxruntime wants; the kernel wants none. */
export async function graphFor(engine: WorkerEngine, { shape }: Task): Promise<Uint8Array | undefined> {
  if (engine === "kernel") return undefined;
  return readGraph(shape, engine === "ort-web-int8" ? "int8" : "fp32");
}
