/**
 * The reference origin's image, its steps taken without Docker: what it copies is enough to build the kernel and to serve, in a
 * folder that has nothing else. Not taken: the base image and `npm ci`, whose packages are those of this checkout.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";

const FILE = join(ROOT, "deploy/origin.Dockerfile");

let app: string;
let entry: string[];
let running: ChildProcess | undefined;

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), "igpt-origin-image-"));
  for (const [instruction = "", rest = ""] of await instructions()) {
    if (instruction === "COPY") {
      const paths = rest.split(" ");
      const target = paths.pop() ?? "./";
      for (const path of paths)
        await cp(join(ROOT, path), join(app, target.endsWith("/") ? path : target), { recursive: true });
    } else if (instruction === "RUN" && rest === "npm ci") {
      await symlink(join(ROOT, "node_modules"), join(app, "node_modules"));
    } else if (instruction === "RUN") {
      await promisify(execFile)("sh", ["-c", rest], { cwd: app });
    } else if (instruction === "ENTRYPOINT") {
      entry = JSON.parse(rest);
    }
  }
}, 120_000);
afterAll(async () => {
  running?.kill("SIGKILL");
  await rm(app, { recursive: true, force: true });
});

it("serves the models with what was copied", async () => {
  const origin = start({ ORIGIN_TOKEN: "secret" });
  const { url } = await firstLine(origin);
  expect(url).toBeTypeOf("string");
  const { default: model } = JSON.parse(await readFile(join(ROOT, "r2-assets/models/index.json"), "utf8"));
  const at = new URL(`/v2/models/${model}`, String(url).replace("0.0.0.0", "127.0.0.1"));
  expect((await fetch(at)).status).toBe(401);
  const answer = await fetch(at, { headers: { authorization: "Bearer secret" } });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ name: model });
  const ended = once(origin, "exit");
  origin.kill("SIGTERM");
  expect((await ended)[0]).toBe(0);
}, 60_000);

it("says what it needs where there is no token", async () => {
  const origin = start({});
  let said = "";
  origin.stderr?.on("data", (data) => {
    said += data;
  });
  expect((await once(origin, "exit"))[0]).toBe(1);
  expect(said).toMatch(/needs a token: set ORIGIN_TOKEN/);
}, 60_000);

/** Instruction and the rest of each line that is no comment. */
async function instructions(): Promise<string[][]> {
  const lines = (await readFile(FILE, "utf8")).split("\n").filter((line) => /^[A-Z]/.test(line));
  return lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]);
}

function start(environment: Record<string, string>): ChildProcess {
  const [, ...args] = entry.map((word) => (word === "9000" ? "0" : word));
  const { ORIGIN_TOKEN: _, ...inherited } = process.env;
  const child = spawn(process.execPath, args, { cwd: app, env: { ...inherited, ...environment } });
  running = child;
  return child;
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  if (!child.stdout) throw new Error("no output to read");
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error("it ended without a word");
}
