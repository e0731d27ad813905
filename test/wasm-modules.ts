import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Plugin } from "vitest/config";

/** Not in node_modules, and with no scheme: such modules vitest would leave to Node, which knows no virtual ones. */
const PREFIX = "/wasm-module/";

/** Lets tests in Node import a .wasm file as the Worker does: as a compiled module. */
export function wasmModules(): Plugin {
  return {
    name: "wasm-modules",
    enforce: "pre",
    resolveId(source, importer) {
      if (!source.endsWith(".wasm") || importer === undefined) return null;
      const path = createRequire(importer).resolve(source);
      return `${PREFIX}${Buffer.from(path).toString("base64url")}.js`;
    },
    async load(id) {
      if (!id.startsWith(PREFIX)) return null;
      const path = Buffer.from(id.slice(PREFIX.length, -".js".length), "base64url").toString();
      const bytes = await readFile(path);
      return `export default new WebAssembly.Module(Buffer.from("${bytes.toString("base64")}", "base64"));`;
    },
  };
}
