import { openFolder } from "../bundles/folder.ts";
import { publish } from "../bundles/publish.ts";
import { isStale } from "./fresh.ts";
import { ASSETS } from "./root.ts";
import { npmRun } from "./run.ts";
import { openLocalBucket } from "./wrangler-bucket.ts";

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

/** Puts the project's models into the local bucket, where they aren't there already. */
export async function seedModels(): Promise<void> {
  const bucket = await openLocalBucket();
  try {
    await publish((key) => openFolder(ASSETS).get(key), bucket);
  } catch (error) {
    throw new Error("The models could not be put into the local bucket. Deleting .wrangler/state empties it.", {
      cause: error,
    });
  } finally {
    await bucket.close();
  }
}
