import { execFileSync } from "node:child_process";
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildAll } from "./build-all.ts";
import { isStale } from "./fresh.ts";
import { ROOT } from "./root.ts";

/** Where the bundled Worker lies: as it would be deployed. */
export const WORKER_DIRECTORY = join(ROOT, "build/worker");

/** Written last: a bundle without it is half done. Beside the bundle, all of whose files are the Worker's. */
const BUILT = "build/worker.built";
/** Every file that the bundle is made from; the lock file stands for what is in node_modules. */
const SOURCES = ["src/**/*", "build/kernel.wasm", "wrangler.toml", "package-lock.json", "lib/build-worker.ts"];

/** Bundles the Worker, once for all who start it, if it is missing or out of date. */
export async function buildWorker(): Promise<void> {
  await buildAll();
  if (!isStale(BUILT, SOURCES)) return;
  const begun = new Date();
  rmSync(join(ROOT, BUILT), { force: true });
  rmSync(WORKER_DIRECTORY, { recursive: true, force: true });
  execFileSync("node_modules/.bin/wrangler", ["deploy", "--dry-run", "--outdir", WORKER_DIRECTORY], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  writeFileSync(join(ROOT, BUILT), "");
  // What was changed meanwhile may not be in it.
  utimesSync(join(ROOT, BUILT), begun, begun);
}
