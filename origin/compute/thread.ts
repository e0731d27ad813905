/** One compute thread: runs one batch at a time and keeps the models it used last. */
import { parentPort, workerData } from "node:worker_threads";
import type { Bundle } from "../bundles/store.ts";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";
import type { MakeRunner, Runner, RunnerOptions } from "./runner.ts";

export interface RunMessage {
  bundle: Bundle;
  batch: GraphBatch;
}

export type ThreadAnswer = { result: GraphResult; computeMs: number } | { error: string };

/** Models kept loaded; the one unused for longest goes first. */
const MAX_LOADED = 3;

const options = workerData as RunnerOptions;
const loaded = new Map<string, Promise<Runner>>();
const port = parentPort;
if (!port) throw new Error("not a worker thread");

port.on("message", async ({ bundle, batch }: RunMessage) => {
  let answer: ThreadAnswer;
  try {
    const runner = await runnerOf(bundle);
    const start = performance.now();
    const result = await runner.run(batch);
    answer = { result, computeMs: performance.now() - start };
  } catch (error) {
    answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  port.postMessage(answer);
});

async function runnerOf(bundle: Bundle): Promise<Runner> {
  const key = bundle.directory;
  const made = loaded.get(key) ?? makeRunner(bundle);
  // Taken out and put back: the map's order is that of use.
  loaded.delete(key);
  loaded.set(key, made);
  made.catch(() => loaded.delete(key));
  for (const [oldest, runner] of loaded) {
    if (loaded.size <= MAX_LOADED) break;
    loaded.delete(oldest);
    await (await runner).release();
  }
  return made;
}

async function makeRunner(bundle: Bundle): Promise<Runner> {
  const make: MakeRunner =
    options.kind === "kernel"
      ? (await import("./kernel.ts")).makeKernelRunner
      : (await import("./onnx.ts")).makeOnnxRunner;
  return make(bundle, options);
}
