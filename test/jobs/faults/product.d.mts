/** The Worker's production bundle, laid beside the bundled worker.ts by start.ts. */
export * from "../../../src/worker.ts";
export { default } from "../../../src/worker.ts";
