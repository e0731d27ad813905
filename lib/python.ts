import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./root.ts";

const TRAINING = join(ROOT, "training");

/** Runs a module of training/ to its end. @returns its exit code, which is 0 or one of `allowed` */
export type Python = (module: string, args: string[], allowed?: readonly number[]) => Promise<number>;

/** Makes the project's Python environment where it is missing. @throws Error that a module ended with another exit code */
export async function python(): Promise<Python> {
  const { output, code } = await run("bash", ["env.sh"], "pipe");
  if (code !== 0) throw new Error("The Python environment could not be created; see pip's output above.");
  return async (module, args, allowed = []) => {
    const { code } = await run(output.trim(), ["-m", module, ...args], "inherit");
    if (code === 0 || (code !== null && allowed.includes(code))) return code;
    throw new Error(`python -m ${module} ${args[0] ?? ""} ended with code ${code}; see its output above.`);
  };
}

function run(
  command: string,
  args: string[],
  stdout: "pipe" | "inherit",
): Promise<{ output: string; code: number | null }> {
  const child = spawn(command, args, { cwd: TRAINING, stdio: ["ignore", stdout, "inherit"] });
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ output, code }));
  });
}
