import { defineConfig } from "vitest/config";
import { wasmModules } from "./test/wasm-modules.ts";

export default defineConfig({
  plugins: [wasmModules()],
  test: {
    include: [
      "src/**/*.test.ts",
      "test/**/*.test.ts",
      "origin/**/*.test.ts",
      "scripts/**/*.test.ts",
      "web/**/*.test.ts",
    ],
    exclude: ["test/browser/**", "test/conformance/**", "node_modules/**"],
    globalSetup: ["test/global-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Two cores, and a Worker with a model in each worker test: more at once only makes all of them slow.
    maxWorkers: 2,
  },
});
