import { spawn } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../../lib/port.ts";
import { ROOT } from "../../lib/root.ts";
import { script } from "../examples/run.ts";

export interface Dev {
  url: string;
  /** With these, commands work on its state. */
  environment: { IGPT_EDGE_STATE: string };
  stop: () => Promise<void>;
}

/**
 * `npm run dev` with a state of its own below `folder`, ready.
 * @param args what is given besides the port
 */
export async function startDev(folder: string, ...args: string[]): Promise<Dev> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = { IGPT_EDGE_STATE: join(folder, "state") };
  const [command, ...rest] = script("scripts/dev.ts", "--port", String(port), ...args);
  // A group of its own: `npm run dev` is several processes.
  const leader = spawn(command, rest, {
    ...{ cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], detached: true },
    env: { ...process.env, ...environment },
  });
  let output = "";
  for (const stream of [leader.stdout, leader.stderr]) stream?.on("data", (chunk) => (output += chunk));
  while (!(await fetch(`${url}/readyz`).catch(() => null))?.ok) {
    if (leader.exitCode !== null) throw new Error(`npm run dev ended with ${leader.exitCode}:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const stop = async () => {
    if (leader.pid === undefined || leader.exitCode !== null) return;
    const ended = new Promise((resolve) => leader.once("exit", resolve));
    process.kill(-leader.pid, "SIGKILL");
    await ended;
  };
  return { url, environment, stop };
}
