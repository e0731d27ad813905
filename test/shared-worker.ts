import { developmentVariables } from "../lib/development.ts";
import { startWorker, type TestWorker } from "./harness.ts";

/**
 * Workers that files share, for starting one costs more than most of those files do. A file that counts all keys, reads
 * all logs or wants settings of its own starts its own Worker.
 */
const VARIABLES = {
  /** The harness's defaults: open to all, but for addresses of this machine. */
  open: {},
  /** As under `npm run dev`, webhooks tried again soon. */
  development: { ...developmentVariables({}), WEBHOOK_RETRY_SECONDS: "0.5" },
  /** As in production: without a key nothing is allowed. */
  closed: { ANONYMOUS_SCOPES: "", GRAPHIQL: "off" },
};

export type SharedWorker = Omit<TestWorker, "close">;

const running = new Map<keyof typeof VARIABLES, Promise<TestWorker>>();

/**
 * The Worker of that name, one for all files that this process runs; it ends with the process. Each test uses keys and
 * pictures of its own. Who asks for no model gets the fast one.
 */
export function sharedWorker(name: keyof typeof VARIABLES): Promise<SharedWorker> {
  const worker = running.get(name) ?? startWorker({ vars: VARIABLES[name], defaultModel: "igpt-small" });
  running.set(name, worker);
  // The next file tries again.
  worker.catch(() => running.delete(name));
  return worker;
}
