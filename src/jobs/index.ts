/** Durable completions: the whole surface of this folder to the others. */
export { type JobProgress, Jobs, type Submission } from "./jobs.ts";
export { hasEnded, type JobRecord, makerOf } from "./record.ts";
