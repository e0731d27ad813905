import { join } from "node:path";
import type { BuildOptions } from "esbuild";

/** How the page is bundled; endpoint and key become part of it, so the key is a publishable one. */
export function bundle(endpoint: string, key: string) {
  return {
    entryPoints: [join(import.meta.dirname, "main.tsx")],
    outdir: import.meta.dirname,
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    define: {
      "process.env.NODE_ENV": '"production"',
      IGPT_ENDPOINT: JSON.stringify(endpoint),
      IGPT_KEY: JSON.stringify(key),
    },
  } satisfies BuildOptions;
}
