import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { wasmModules } from "./test/wasm-modules.ts";

/** onnxruntime-web's linear memory is the process's and never shrinks: these measure it, or want it small. */
const OWN_PROCESS = [
  "src/model/engines/ort/*.test.ts",
  "test/model/shipped.test.ts",
  "test/workers/ort/engine.test.ts",
];

/** The longest files first, or the last of them would run alone at the end. */
const LONGEST = ["docs/steps", "jobs/jobs", "commands/stopping", "keys/cli", "docs/queries", "jobs/faults"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Project by project: a shared process ends where the next file is another project's.
    const place = ({ moduleId, project }: TestSpecification) =>
      project.config.isolate
        ? 0
        : LONGEST.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`)) + 1 || LONGEST.length + 1;
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  plugins: [wasmModules()],
  test: {
    globalSetup: ["test/global-setup.ts"],
    // It must get the same instance of graphql as what calls it; Node and Vite resolve that package differently.
    server: { deps: { inline: ["@graphql-inspector/core"] } },
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // What is waited for comes at once on an idle machine; on a busy one it may take long.
    expect: { poll: { timeout: 30_000 } },
    // Two more than the two cores of the machines that run this: tests of retries, of time-outs and of commands wait.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: "own process", include: OWN_PROCESS, isolate: true } },
      {
        extends: true,
        test: {
          name: "shared",
          include: ["src", "test", "origin", "lib", "scripts", "web"].map((folder) => `${folder}/**/*.test.ts`),
          exclude: ["test/browser/**", "test/conformance/**", "node_modules/**", ...OWN_PROCESS],
          // A process runs file after file: what it imports, and the Workers of test/shared-worker.ts, serve all of them.
          isolate: false,
        },
      },
    ],
  },
});
