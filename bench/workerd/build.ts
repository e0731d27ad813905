/** A Worker of the bench, bundled: WASM files are modules of their own, as wrangler makes them. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { build } from "esbuild";
import type { Modules } from "../../lib/workerd.ts";

export async function bundle(entry: URL): Promise<Modules> {
  const modules: Modules = {};
  const { outputFiles } = await build({
    entryPoints: [entry.pathname],
    ...{ bundle: true, format: "esm", target: "es2024", write: false },
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [
      {
        name: "wasm",
        setup({ onResolve }) {
          onResolve({ filter: /\.wasm$/ }, async ({ path, resolveDir }) => {
            const file = path.startsWith(".") ? join(resolveDir, path) : createRequire(import.meta.url).resolve(path);
            modules[basename(file)] = { type: "wasm", contents: new Uint8Array(await readFile(file)) };
            return { path: `./${basename(file)}`, external: true };
          });
        },
      },
    ],
  });
  const contents = outputFiles[0]?.text ?? "";
  return { ...modules, "worker.js": { type: "esm", contents } };
}
