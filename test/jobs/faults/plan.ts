/** What is to go wrong next, said over HTTP to the Worker of worker.ts. */
export interface Fault {
  /** Of a call's name, as a regular expression: `BUCKET put jobs/job_1/chunk-0.json`, `JOBS chunkMade`, `DB UPDATE ...`. */
  calls: string;
  /** before: nothing was done. after: it was done, and its answer is lost. */
  when: "before" | "after";
  /** How many of the calls; then all is well again. */
  times: number;
}

/** The path at which a plan is set (POST) and what has gone wrong so far is read (GET). */
export const FAULTS_PATH = "/__faults";
