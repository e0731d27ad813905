import { spawn } from "node:child_process";
import { ROOT } from "./root.ts";

/** Runs an npm script of this project; its output is shown only when it fails. */
export async function npmRun(script: string): Promise<void> {
  await run("npm", ["run", "--silent", script]);
}

/** Runs a program in the project's folder; its output is shown only when it fails. */
export async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${output}`);
}
