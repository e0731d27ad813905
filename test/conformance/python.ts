import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/root.ts";

/** Other people's clients and servers, and the few lines of ours that start them. */
export const PEERS = join(ROOT, "test/conformance/peers");

/** The path of a Python that has them; makes the environment where it is missing. */
export function peersPython(): string {
  return execFileSync("bash", [join(ROOT, "scripts/python-env.sh"), PEERS, "peers"], { encoding: "utf8" }).trim();
}

/** What a script of ours in `peers/` prints: JSON. */
export async function report<T>(python: string, script: string, ...args: string[]): Promise<T> {
  return JSON.parse((await promisify(execFile)(python, [join(PEERS, script), ...args])).stdout) as T;
}
