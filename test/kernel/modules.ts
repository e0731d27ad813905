/** The kernel's binaries outside a Worker: read from `build/` (made by `npm run build:kernel`). */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const BINARIES = ["kernel-r16", "kernel-r16-plain"] as const;
export type Binary = (typeof BINARIES)[number];

export function kernelModule(name: Binary): WebAssembly.Module {
  const bytes = readFileSync(fileURLToPath(new URL(`../../build/${name}.wasm`, import.meta.url)));
  return new WebAssembly.Module(bytes);
}
