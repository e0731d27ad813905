import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { OriginProcess } from "../origin/process.ts";

let origin: OriginProcess;
let worker: TestWorker;
let folder: string;
beforeAll(async () => {
  origin = await OriginProcess.start();
  worker = await startWorker({ vars: { ORIGIN_URLS: origin.url, ENGINE: "kernel" } });
  folder = await mkdtemp(join(tmpdir(), "igpt-edge-"));
});
afterAll(async () => {
  await worker.close();
  await origin.stop("SIGKILL");
  await rm(folder, { recursive: true });
});

it("a job's samples on one sheet", async () => {
  const sheet = join(folder, "sheet.png");
  const args = ["--import", "tsx", "examples/job-contact-sheet/run.ts", "web/pictures/chelsea.jpg", sheet, "20"];
  const env = { ...process.env, IGPT_ENDPOINT: new URL("/graphql", worker.url).href };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  expect(stdout).toContain("20 samples by kernel (ORIGIN)");
  const { width, height } = PNG.sync.read(await readFile(sheet));
  // Eight columns and three rows of 96 pixels, 8 between them.
  expect([width, height]).toEqual([8 * 104 + 8, 3 * 104 + 8]);
});
