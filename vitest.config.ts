import { defineConfig } from "vitest/config";
import { wasmModules } from "./test/wasm-modules.ts";

export default defineConfig({
  plugins: [wasmModules()],
  test: {
    include: [
      "src/**/*.test.ts",
      "test/**/*.test.ts",
      "origin/**/*.test.ts",
      "lib/**/*.test.ts",
      "scripts/**/*.test.ts",
      "web/**/*.test.ts",
    ],
    exclude: ["test/browser/**", "test/conformance/**", "node_modules/**"],
    globalSetup: ["test/global-setup.ts"],
    // It must get the same instance of graphql as what calls it; Node and Vite resolve that package differently.
    server: { deps: { inline: ["@graphql-inspector/core"] } },
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // What is waited for comes at once on an idle machine; on a busy one it may take long.
    expect: { poll: { timeout: 30_000 } },
    // Two cores, and a Worker with a model in each worker test: more at once only makes all of them slow.
    maxWorkers: 2,
  },
});
