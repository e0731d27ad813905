/**
 * `npm run build:kernel`: the kernel's binaries, from one source, into `build/`.
 *
 *   kernel-r16          relaxed SIMD
 *   kernel-r16-plain    the same numbers bit for bit without relaxed SIMD
 *   limits              the machine's limits, for the bench
 *   parts               kernel-r16 with its parts to be measured one by one
 *   kernel              what the Worker ships, a copy of one of them: SHIPPED, or with `--plain` its twin without relaxed
 *                       SIMD, for a runtime that has none. A Worker cannot choose by itself: workerd compiles every module
 *                       of a bundle at start-up and refuses the whole bundle when one fails.
 */
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const builds = [
  { name: "kernel-r16", features: ["simd", "relaxed-simd"] },
  { name: "kernel-r16-plain", features: ["simd"] },
  { name: "parts", entry: "parts", features: ["simd", "relaxed-simd"] },
  { name: "limits", entry: "limits", features: ["simd", "relaxed-simd"] },
];
const SHIPPED = process.argv.includes("--plain") ? "kernel-r16-plain" : "kernel-r16";

mkdirSync(`${root}build`, { recursive: true });
for (const { name, entry = "index", features } of builds) {
  const { error, stderr } = await asc.main([
    `kernel/assembly/${entry}.ts`,
    ...["--baseDir", root, "--outFile", `build/${name}.wasm`],
    ...["--runtime", "stub", "--importMemory", "--initialMemory", "1", "--noExportMemory", "--noAssert", "-O3"],
    ...features.flatMap((feature) => ["--enable", feature]),
    ...(process.argv.includes("--text") ? ["--textFile", `build/${name}.wat`] : []),
  ]);
  if (error) {
    console.error(`${name}: ${error.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  console.log(`build/${name}.wasm ${statSync(`${root}build/${name}.wasm`).size} bytes`);
}
copyFileSync(`${root}build/${SHIPPED}.wasm`, `${root}build/kernel.wasm`);
