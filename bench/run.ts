/** Runs one job in a process of its own. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Measurement } from "./measure.ts";
import type { Job } from "./plan.ts";
import { SHAPES } from "./shapes.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** @param models a folder that `writeBundle` wrote @returns undefined where the engine is not to be had: transformers without a Python that has it */
export async function runJob({ engine, task }: Job, models: string): Promise<Measurement | undefined> {
  if (engine === "transformers") {
    const { layers, width, heads, positions } = SHAPES[task.shape];
    const numbers = [layers, width, heads, positions, task.samples].map(String);
    const python = process.env.BENCH_PYTHON || "python3";
    return output(python, [here("peers/huggingface.py"), ...numbers, task.rows.join(",")]).catch((error: Error) => {
      console.error(`left out: ${error.message.trim().split("\n").at(-1)}`);
      return undefined;
    });
  }
  return output(process.execPath, ["--import", "tsx", here("child.ts"), engine, models, JSON.stringify(task)]);
}

function output(command: string, args: string[]): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(out) as Measurement);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${errors}`));
    });
  });
}
