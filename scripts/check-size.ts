/** `npm run check:size`: the bundled Worker against Cloudflare's limit and our own. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildWorker as setup, WORKER_DIRECTORY } from "../lib/build-worker.ts";

/** Our own limit, gzipped: below the paid plan's old 10 MB, which pages still name. */
const LIMIT_MIB = 8;

await setup();
const files = readdirSync(WORKER_DIRECTORY, { recursive: true, encoding: "utf8" })
  .map((name) => join(WORKER_DIRECTORY, name))
  .filter((path) => statSync(path).isFile() && !/\.(map|md)$/.test(path));
let raw = 0;
let zipped = 0;
for (const path of files) {
  const bytes = readFileSync(path);
  raw += bytes.length;
  zipped += gzipSync(bytes).length;
}
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
console.log(`The Worker: ${files.length} files, ${mib(raw)} MiB, ${mib(zipped)} MiB gzipped (limit ${LIMIT_MIB}).`);
if (zipped > LIMIT_MIB * 2 ** 20) process.exitCode = 1;
