import { join } from "node:path";
import { startAround } from "../../around.ts";
import type { TestWorker, TestWorkerOptions } from "../../harness.ts";
import { FAULTS_PATH, type Fault } from "./plan.ts";

export interface FaultyWorker extends TestWorker {
  /** What is to go wrong from now on; without anything, all is well. */
  plan(...faults: Fault[]): Promise<void>;
  /** What went wrong since then. */
  failed(): Promise<string[]>;
}

/** The production Worker with bindings that can be made to fail: see worker.ts. */
export async function startFaultyWorker(options: TestWorkerOptions): Promise<FaultyWorker> {
  const worker = await startAround(join(import.meta.dirname, "worker.ts"), options);
  const faults = async (init?: RequestInit) => (await worker.request(FAULTS_PATH, init)).json() as Promise<string[]>;
  return {
    ...worker,
    plan: async (...plan) => {
      await faults({ method: "POST", body: JSON.stringify(plan) });
    },
    failed: () => faults(),
  };
}
