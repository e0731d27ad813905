import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { WORKER_DIRECTORY } from "../../global-setup.ts";
import { startWorker, type TestWorker, type TestWorkerOptions } from "../../harness.ts";
import { FAULTS_PATH, type Fault } from "./plan.ts";

export interface FaultyWorker extends TestWorker {
  /** What is to go wrong from now on; without anything, all is well. */
  plan(...faults: Fault[]): Promise<void>;
  /** What went wrong since then. */
  failed(): Promise<string[]>;
}

/** The production Worker with bindings that can be made to fail: see worker.ts. */
export async function startFaultyWorker(options: TestWorkerOptions): Promise<FaultyWorker> {
  const directory = await mkdtemp(join(tmpdir(), "igpt-faulty-"));
  await bundle(directory);
  const worker = await startWorker({ ...options, directory });
  const faults = async (init?: RequestInit) => (await worker.request(FAULTS_PATH, init)).json() as Promise<string[]>;
  return {
    ...worker,
    plan: async (...plan) => {
      await faults({ method: "POST", body: JSON.stringify(plan) });
    },
    failed: () => faults(),
    close: async () => {
      await worker.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** worker.ts around the production bundle, beside the modules that it imports. */
async function bundle(directory: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    outfile: join(directory, "worker.js"),
    ...{ bundle: true, format: "esm", target: "es2024", metafile: true, logLevel: "error" },
    external: ["cloudflare:*", "node:*", "*.wasm", "*.graphql"],
    plugins: [
      {
        name: "product",
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/product\.mjs$/ }, () => ({ path: join(WORKER_DIRECTORY, "worker.js") })),
      },
    ],
  });
  const outputs = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  for (const name of await readdir(WORKER_DIRECTORY)) {
    if (outputs.includes(`./${name}`)) await copyFile(join(WORKER_DIRECTORY, name), join(directory, name));
  }
}
