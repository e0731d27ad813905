/** The Worker's production bundle, laid beside a worker.ts around it by around.ts. */
export * from "../src/worker.ts";
export { default } from "../src/worker.ts";
