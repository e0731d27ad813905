import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { WORKER_DIRECTORY } from "../lib/build-worker.ts";
import { startWorker, type TestWorker, type TestWorkerOptions } from "./harness.ts";

/**
 * The production Worker inside of a test's own, which gives it other bindings.
 * @param entry the test's Worker: it imports the production one as `product.mjs`
 */
export async function startAround(entry: string, options: TestWorkerOptions): Promise<TestWorker> {
  const directory = await mkdtemp(join(tmpdir(), "igpt-around-"));
  await bundle(entry, directory);
  const worker = await startWorker({ ...options, directory });
  return {
    ...worker,
    close: async () => {
      await worker.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The entry around the production bundle, beside the modules that it imports. */
async function bundle(entry: string, directory: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: [entry],
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
