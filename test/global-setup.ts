/** Vitest's: before all test files. */
export { buildWorker as default } from "../lib/build-worker.ts";
