const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const POLL_MS = 300;

/**
 * Calls `end` once when this process is asked to end: by a signal, or by the end of the npm that runs it, which cannot
 * pass SIGKILL on. For scripts that package.json runs with `exec`: npm's shell would neither pass SIGINT on nor die of it,
 * and would outlive npm.
 */
export function onEnd(end: (why: string) => void): void {
  let ended = false;
  const once = (why: string) => {
    if (ended) return;
    ended = true;
    end(why);
  };
  for (const signal of SIGNALS) process.on(signal, () => once(signal));
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) once("npm ended");
  }, POLL_MS).unref();
}
