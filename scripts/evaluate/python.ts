import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../lib/root.ts";

const TRAINING = join(ROOT, "training");

/** Makes the project's Python environment where it is missing. @returns runs a module of training/ to its end. */
export async function python(): Promise<(module: string, args: string[]) => Promise<void>> {
  const interpreter = (await run("bash", ["env.sh"], "pipe")).trim();
  return async (module, args) => {
    await run(interpreter, ["-m", module, ...args], "inherit");
  };
}

function run(command: string, args: string[], stdout: "pipe" | "inherit"): Promise<string> {
  const child = spawn(command, args, { cwd: TRAINING, stdio: ["ignore", stdout, "inherit"] });
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args[1] ?? args[0]} ended with code ${code}`));
    });
  });
}
