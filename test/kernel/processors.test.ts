/**
 * The same seed gives the same samples on any machine: here machines with fewer instructions, by telling V8 that this one
 * has no more. Relaxed SIMD then becomes other machine code, with the same results by what is put into it (linear.ts).
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { BINARIES } from "./modules.ts";

// Not without AVX, of before 2011: there V8's first compiler (Liftoff, 13.6) makes code for the plain build whose results
// differ from run to run; its second one, and what ships, give the same bits there too.
const PROCESSORS = [
  ["without AVX-VNNI", ["--no-enable-avx-vnni", "--no-enable-avx-vnni-int8"]],
  ["without AVX2 and FMA", ["--no-enable-avx-vnni", "--no-enable-avx2", "--no-enable-fma3"]],
] as const;

/** Nats of forced colours and what is drawn, of a model in all its bits. */
async function drawn(binary: string, flags: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL("print-samples.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "--import", "tsx", script, binary]);
  return stdout;
}

test.each(BINARIES)("%s draws the same on every processor", async (binary) => {
  const expected = await drawn(binary, []);
  expect(expected.length).toBeGreaterThan(1_000);
  for (const [processor, flags] of PROCESSORS) expect(await drawn(binary, flags), processor).toBe(expected);
});

test("where SIMD is missing, plain SIMD is missing too: no processor needs the plain build", async () => {
  const check = `console.log(${JSON.stringify(BINARIES)}.map((name) =>
    WebAssembly.validate(require("fs").readFileSync("build/" + name + ".wasm"))).join())`;
  const root = fileURLToPath(new URL("../..", import.meta.url));
  for (const [flag, valid] of [
    ["--no-enable-avx", true],
    ["--no-enable-sse4-1", false],
  ] as const) {
    const { stdout } = await promisify(execFile)(process.execPath, [flag, "-e", check], { cwd: root });
    expect(stdout.trim(), flag).toBe(BINARIES.map(() => valid).join());
  }
});
