/** However `npm run dev`, `demo` or `origin` is ended, nothing of it stays: no process, no taken port. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, isFree } from "../../lib/port.ts";
import { ROOT } from "../../lib/root.ts";
import { familyOf, left, type Running } from "./processes.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "igpt-stopping-"));
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

interface Started {
  npm: ChildProcess;
  output: () => string;
  exit: Promise<number | null>;
}

/** As from a shell's prompt. */
function npmRun(...args: string[]): Started {
  const npm = spawn("npm", ["run", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, IGPT_EDGE_STATE: join(folder, "state"), INIT_CWD: undefined },
  });
  let output = "";
  for (const stream of [npm.stdout, npm.stderr]) stream.on("data", (chunk) => (output += chunk));
  return { npm, output: () => output, exit: new Promise((resolve) => npm.once("exit", resolve)) };
}

async function until(what: string, holds: () => boolean | Promise<boolean>, { npm, output }: Started): Promise<void> {
  while (!(await holds())) {
    if (npm.exitCode !== null) throw new Error(`npm ended with ${npm.exitCode} before ${what}:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const answers = async (url: string) => (await fetch(url).catch(() => null))?.ok ?? false;
const pidOf = (family: readonly Running[], script: string) =>
  family.find(({ command }) => command.includes(script) && !command.startsWith("sh "))?.pid ?? 0;

/** Ends one process of a family, and waits until all of it has ended. */
async function endsAll(started: Started, family: Running[], pid: number, signal: NodeJS.Signals, port?: number) {
  process.kill(pid, signal);
  await expect.poll(() => left(family), { timeout: 60_000, interval: 300 }).toEqual([]);
  await started.exit;
  if (port !== undefined) expect(await isFree(port)).toBe(true);
}

describe("npm run dev", () => {
  it.each([
    ["npm", "SIGINT"],
    ["npm", "SIGTERM"],
    ["npm", "SIGKILL"],
    ["the script", "SIGTERM"],
    ["the script", "SIGKILL"],
  ] as const)("%s gets %s", async (who, signal) => {
    const port = await freePort();
    const started = npmRun("dev", "--", "--port", String(port));
    await until("it was ready", () => answers(`http://127.0.0.1:${port}/readyz`), started);
    const family = familyOf(started.npm.pid ?? 0);
    expect(family.filter(({ command }) => command.includes("workerd serve")).length).toBeGreaterThan(0);
    const pid = who === "npm" ? (started.npm.pid ?? 0) : pidOf(family, "scripts/dev.ts");
    await endsAll(started, family, pid, signal, port);
  });

  it("on a taken port says so in one line, and which to take instead", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    try {
      const { exit, output } = npmRun("--silent", "dev", "--", "--port", port);
      expect(await exit).toBe(1);
      const lines = output()
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("npm warn"));
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`^Port ${port} is taken, .*npm run dev -- --port \\d+$`)),
      ]);
    } finally {
      other.close();
    }
  });

  it("says what a port is, where it was given something else", async () => {
    const { exit, output } = npmRun("--silent", "dev", "--", "--port=80.5");
    expect(await exit).toBe(1);
    expect(output()).toMatch(/--port: a number from 0 to 65535/);
    expect(output()).not.toMatch(/\n {4}at /);
  });
});

describe("npm run demo", () => {
  it.each(["SIGTERM", "SIGKILL"] as const)("npm gets %s", async (signal) => {
    const started = npmRun("demo", "--", "--out", join(folder, "never.png"));
    const workerd = () => familyOf(started.npm.pid ?? 0).some(({ command }) => command.includes("socket-addr=entry"));
    await until("its Worker ran", () => started.output().includes("Starting the Worker") && workerd(), started);
    await endsAll(started, familyOf(started.npm.pid ?? 0), started.npm.pid ?? 0, signal);
  });
});

describe("npm run origin", () => {
  it.each([
    ["npm", "SIGINT"],
    ["npm", "SIGTERM"],
    ["npm", "SIGKILL"],
    ["the script", "SIGKILL"],
  ] as const)("%s gets %s", async (who, signal) => {
    const port = await freePort();
    const started = npmRun("origin", "--", "--port", String(port));
    await until("it was ready", () => answers(`http://127.0.0.1:${port}/v2/health/ready`), started);
    const family = familyOf(started.npm.pid ?? 0);
    const pid = who === "npm" ? (started.npm.pid ?? 0) : pidOf(family, "origin/main.ts");
    await endsAll(started, family, pid, signal, port);
  });

  it("on a taken port says so in one line", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    try {
      const { exit, output } = npmRun("--silent", "origin", "--", "--port", port);
      expect(await exit).toBe(1);
      expect(output()).toContain(`Port ${port} of 127.0.0.1 is taken`);
      expect(output()).not.toMatch(/\n {4}at /);
    } finally {
      other.close();
    }
  });
});
