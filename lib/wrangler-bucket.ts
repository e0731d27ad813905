import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import type { Bucket } from "../bundles/bucket.ts";
import { ROOT } from "./root.ts";
import { STATE } from "./state.ts";

/** The name of the R2 bucket in wrangler.toml; Miniflare stores it under that name too. */
export const BUCKET_NAME = "igpt-edge";

/** The bucket of `npm run dev`: R2 as Miniflare keeps it on disk; may be open in another process. */
export async function openLocalBucket(stateDirectory = join(STATE, "v3")): Promise<Bucket> {
  const miniflare = new Miniflare({
    resourcePersistencePath: stateDirectory,
    workers: [
      {
        config: {
          name: "models",
          compatibilityDate: "2026-10-01",
          manifest: {
            mainModule: "index.js",
            modulesRoot: "/",
            modules: { "index.js": { type: "esm", contents: "export default {}" } },
          },
          env: { BUCKET: { type: "r2", name: BUCKET_NAME } },
        },
      },
    ],
  });
  const { BUCKET: r2 } = await miniflare.getBindings<{ BUCKET: R2Bucket }>();
  return {
    async get(key) {
      const object = await r2.get(key);
      return object && Buffer.from(await object.arrayBuffer());
    },
    async put(key, bytes) {
      await r2.put(key, bytes);
    },
    close: () => miniflare.dispose(),
  };
}

/** The production bucket, through wrangler and whoever is logged in there. */
export function openRemoteBucket(): Bucket {
  const run = promisify(execFile);
  const wrangler = join(ROOT, "node_modules/.bin/wrangler");
  const withFile = async <T>(work: (file: string) => Promise<T>): Promise<T> => {
    const directory = await mkdtemp(join(tmpdir(), "igpt-edge-"));
    try {
      return await work(join(directory, "object"));
    } finally {
      await rm(directory, { recursive: true });
    }
  };
  const object = (verb: string, key: string, file: string) =>
    run(wrangler, ["r2", "object", verb, `${BUCKET_NAME}/${key}`, "--file", file, "--remote"], { cwd: ROOT });
  return {
    get: (key) =>
      withFile(async (file) => {
        try {
          await object("get", key, file);
        } catch (error) {
          // The one failure that is an answer; being logged out or offline is not.
          if (/specified key does not exist/i.test(String(error))) return null;
          throw error;
        }
        return readFile(file);
      }),
    put: (key, bytes) =>
      withFile(async (file) => {
        await writeFile(file, bytes);
        await object("put", key, file);
      }),
    close: async () => {},
  };
}
