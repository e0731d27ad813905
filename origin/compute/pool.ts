import { Worker } from "node:worker_threads";
import type { Bundle } from "../bundles/store.ts";
import type { GraphBatch, GraphResult } from "../graph/batch.ts";
import type { RunnerOptions } from "./runner.ts";
import type { RunMessage, ThreadAnswer } from "./thread.ts";

export interface Computed {
  result: GraphResult;
  /** Milliseconds in the engine alone. */
  computeMs: number;
}

/** Threads of one engine, each running one batch at a time. One that dies is replaced; its batch fails. */
export class ComputePool {
  readonly options: RunnerOptions;
  readonly threads: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  constructor(options: RunnerOptions, threads: number) {
    this.options = options;
    this.threads = threads;
  }

  get free(): number {
    return this.#idle.length + this.threads - this.#all.size;
  }

  /** Only while `free` is above 0. @throws Error of the engine's, or that the thread has died */
  run(bundle: Bundle, batch: GraphBatch): Promise<Computed> {
    const worker = this.#idle.pop() ?? this.#start();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void, reusable: boolean) => {
        worker.removeAllListeners();
        if (reusable) {
          // An idle thread keeps no process alive, and one that dies while idle is not handed out.
          worker.once("exit", () => this.#forget(worker));
          worker.once("error", () => this.#forget(worker));
          this.#idle.push(worker);
        } else this.#forget(worker);
        act();
      };
      worker.removeAllListeners();
      worker.once("message", (answer: ThreadAnswer) => {
        if ("error" in answer) settle(() => reject(new Error(answer.error)), true);
        else settle(() => resolve(answer), true);
      });
      worker.once("error", (error) => settle(() => reject(error), false));
      worker.once("exit", (code) => settle(() => reject(new Error(`the compute thread ended with ${code}`)), false));
      const message: RunMessage = { bundle, batch };
      worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData: this.options });
    this.#all.add(worker);
    return worker;
  }

  #forget(worker: Worker): void {
    this.#all.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
