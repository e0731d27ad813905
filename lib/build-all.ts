import { isStale } from "./fresh.ts";
import { npmRun } from "./run.ts";

/** What the Worker is bundled from, besides its own sources. */
const BUILDS: { script: string; output: string; sources: string[] }[] = [
  { script: "build:kernel", output: "build/kernel.wasm", sources: ["kernel/**/*"] },
  {
    script: "build:assets",
    output: "build/assets/index.html",
    sources: ["web/**/*", "scripts/build-assets.ts", "scripts/build-graphiql.ts"],
  },
];

/** Builds what is missing or out of date. */
export async function buildAll(): Promise<void> {
  for (const { script, output, sources } of BUILDS) {
    if (isStale(output, sources)) await npmRun(script);
  }
}
