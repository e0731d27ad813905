import { type ChildProcess, execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../lib/root.ts";

/** Other people's clients and servers, and the few lines of ours that start them. */
export const PEERS = join(ROOT, "test/conformance/peers");

/** The path of a Python that has them; makes the environment where it is missing. */
export const peersPython = (): string => pythonOf(PEERS, "peers");

/** The same with what a folder's requirements.txt pins. */
export function pythonOf(folder: string, name: string): string {
  return execFileSync("bash", [join(ROOT, "scripts/python-env.sh"), folder, name], { encoding: "utf8" }).trim();
}

/** What a script of ours in `peers/` prints: JSON. */
export async function report<T>(python: string, script: string, ...args: string[]): Promise<T> {
  return JSON.parse((await promisify(execFile)(python, [join(PEERS, script), ...args])).stdout) as T;
}

/** Waits until a server answers there with a 2xx. */
export async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 1_500; tries++) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${url} never became ready`);
}
