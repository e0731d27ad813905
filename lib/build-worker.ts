import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { buildAll } from "./prepare.ts";
import { ROOT } from "./root.ts";

/** Where the bundled Worker lies: as it would be deployed. */
export const WORKER_DIRECTORY = join(ROOT, "build/worker");

/** Bundles the Worker, once for all who start it. */
export async function buildWorker(): Promise<void> {
  await buildAll();
  execFileSync("node_modules/.bin/wrangler", ["deploy", "--dry-run", "--outdir", WORKER_DIRECTORY], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
}
