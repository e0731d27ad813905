/** What is charged for, call by call. */
export type Call =
  /** `get` or `put` and so on, and of which key. */
  | { of: "R2"; method: string; key: string }
  | { of: "D1"; query: string; rowsRead: number; rowsWritten: number }
  /** A request to a Durable Object: a call of a method, or an alarm. */
  | { of: "object"; method: string }
  /** What a Durable Object does with its storage. */
  | { of: "storage"; query: string; rowsRead: number; rowsWritten: number }
  | { of: "workflow" }
  | { of: "step"; name: string }
  | { of: "data point" };

/** Where the Worker of worker.ts tells its calls (GET) and forgets them (DELETE). */
export const CALLS_PATH = "/__calls";
/** POST, with a job's id as `?job=`: its time is over. */
export const EXPIRE_PATH = "/__expire";
