import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { ROOT } from "../../lib/root.ts";

/** A line of the origin's log. */
export interface LogLine {
  event: string;
  [field: string]: unknown;
}

/** The reference origin as a process of its own, to be killed and started again on the same port. */
export class OriginProcess {
  readonly port: number;
  readonly lines: LogLine[] = [];
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[], env: Record<string, string>) {
    this.port = port;
    this.#args = args;
    this.#env = env;
  }

  /** Started and ready. */
  static async start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<OriginProcess> {
    const origin = new OriginProcess(await freePort(), args, env);
    await origin.start();
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "origin/main.ts", "--port", String(this.port), ...this.#args],
      {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...this.#env },
      },
    );
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the origin ended with ${code}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const parsed = JSON.parse(line) as LogLine;
        this.lines.push(parsed);
        if (parsed.event === "listening") resolve();
      });
    });
  }

  /** @returns the exit code; null if the signal ended it */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return exited;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
