import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { printed, run } from "./run.ts";

/** What examples/python/env.sh has made; `EXAMPLES_PYTHON=make` lets it make one. */
function findPython(): string | undefined {
  if (process.env.EXAMPLES_PYTHON === "make") {
    return execFileSync("bash", ["examples/python/env.sh"], { cwd: ROOT, encoding: "utf8" }).trim();
  }
  const lock = readFileSync(join(ROOT, "examples/python/requirements.txt"));
  const hash = createHash("sha256").update(lock).digest("hex").slice(0, 16);
  const cache = process.env.IGPT_EDGE_CACHE ?? join(homedir(), ".cache/igpt-edge");
  const python = join(cache, `examples-${hash}/bin/python`);
  return existsSync(python) ? python : undefined;
}

const python = findPython();

describe.skipIf(!python)("Python with gql", () => {
  let worker: SharedWorker;
  let env: Record<string, string>;
  let folder: string;
  const command = (): [string, ...string[]] => [
    python ?? "",
    "examples/python/complete.py",
    "web/pictures/chelsea.jpg",
    folder,
  ];
  beforeAll(async () => {
    worker = await sharedWorker("closed");
    const { secret } = await issueKey(worker);
    env = { IGPT_ENDPOINT: new URL("/graphql", worker.url).href, IGPT_KEY: secret };
    folder = await mkdtemp(join(tmpdir(), "igpt-edge-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it("saves two completions and embeds the picture", async () => {
    const text = await printed(command(), env);
    expect(text).toMatch(/^(\d+\.\d{3} .*sample-[01]\.png\n){2}embedding of 256 numbers\n$/);
    const [first, second] = await Promise.all(
      [0, 1].map(async (i) => PNG.sync.read(await readFile(join(folder, `sample-${i}.png`)))),
    );
    expect([first?.width, first?.height]).toEqual([256, 256]);
    expect(first?.data.equals(second?.data ?? Buffer.alloc(0))).toBe(false);
  });

  it("tells an error with its code", async () => {
    const { code, stderr } = await run(command(), { ...env, IGPT_KEY: undefined });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^UNAUTHENTICATED: /)]);
  });
});
