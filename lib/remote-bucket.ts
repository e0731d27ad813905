import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bucket } from "../bundles/bucket.ts";
import { BUCKET_NAME } from "./local-state.ts";
import { ROOT } from "./root.ts";

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
