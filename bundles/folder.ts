import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Bucket } from "./bucket.ts";

/** A folder laid out like the bucket. */
export function openFolder(path: string): Bucket {
  const directory = resolve(path);
  return {
    async get(key) {
      try {
        return await readFile(join(directory, key));
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
        throw error;
      }
    },
    async put(key, bytes) {
      const file = join(directory, key);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    },
    close: async () => {},
  };
}
