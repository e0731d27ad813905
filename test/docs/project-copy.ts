/** A copy of the project as a newcomer has it after `npm ci`: what commands of the docs write is written there. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ROOT } from "../../lib/root.ts";

const LEFT_OUT = new Set(["node_modules", ".git", ".wrangler", "artifacts", "demo-out"]);
const OF_NPM = /^npm_(?!config_)|^npm_config_local_prefix$|^INIT_CWD$|^NODE$|^VITEST|^NODE_ENV$/;

export class ProjectCopy {
  readonly directory: string;
  readonly #servers: ChildProcess[] = [];

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "igpt-docs-"));
    // With the times of what is built, which would be built anew otherwise.
    const filter = (path: string) => !LEFT_OUT.has(relative(ROOT, path).split("/", 1)[0] ?? "");
    cpSync(ROOT, this.directory, { recursive: true, preserveTimestamps: true, filter });
    symlinkSync(join(ROOT, "node_modules"), join(this.directory, "node_modules"));
  }

  /** Runs a command line to its end. @returns what it printed. @throws Error with that when it fails. */
  async run(command: string, variables: Record<string, string> = {}): Promise<string> {
    const { child, printed } = this.#spawn(command, variables);
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("close", resolve).once("error", reject),
    );
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${printed()}`);
    return printed();
  }

  /** Starts a server and waits until it prints what says that it is ready. @returns how to end it */
  async serve(command: string, ready: string): Promise<() => Promise<void>> {
    const { child, printed } = this.#spawn(command, {});
    this.#servers.push(child);
    while (!printed().includes(ready)) {
      if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}:\n${printed()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return () => stop(child);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map(stop));
    // A process that was just ended may still be writing.
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }

  #spawn(command: string, variables: Record<string, string>) {
    // What is undefined isn't passed on.
    const ofNpm = Object.keys(process.env).filter((name) => OF_NPM.test(name));
    const without = Object.fromEntries(ofNpm.map((name) => [name, undefined]));
    const child = spawn("bash", ["-euc", command], {
      cwd: this.directory,
      env: { ...process.env, ...without, ...variables, WRANGLER_SEND_METRICS: "false" },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    return { child, printed: () => text };
  }
}

/** Ends a command with all that it has started. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGKILL");
  await exited;
}
