import { join } from "node:path";
import { buildWorker } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import { running } from "./commands/processes.ts";

/** Vitest's: before all test files. */
export default async function setup(): Promise<void> {
  await buildWorker();
  // Not as vitest's teardown, which comes before its processes end.
  process.once("exit", endOrphans);
}

/** Vitest gives a process half a second to end. On a busy machine the Workers that its files shared may outlive it. */
function endOrphans(): void {
  try {
    const all = running();
    const ofNode = new Set(all.filter(({ command }) => /\bnode\b/.test(command)).map(({ pid }) => pid));
    const workerd = join(ROOT, "node_modules/@cloudflare/workerd");
    for (const { pid, parent, command } of all) {
      if (command.startsWith(workerd) && !ofNode.has(parent)) process.kill(pid, "SIGKILL");
    }
  } catch {
    // It has ended by itself meanwhile, or there is no ps here: what was tested is none the worse.
  }
}
