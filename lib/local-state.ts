import { join } from "node:path";
import { Miniflare } from "miniflare";
import type { Bucket } from "../bundles/bucket.ts";
import { STATE } from "./state.ts";
import { configuredDatabase, readWranglerConfig } from "./wrangler-config.ts";

/** The name of the R2 bucket in wrangler.toml; Miniflare stores it under that name too. */
export const BUCKET_NAME = "igpt-edge";

export interface LocalState {
  bucket: Bucket;
  db: D1Database;
  close: () => Promise<void>;
}

/** The bucket and the database of `npm run dev`, as Miniflare keeps them on disk; other processes may have them open too. */
export async function openLocalState(directory = join(STATE, "v3")): Promise<LocalState> {
  const { database_id, preview_database_id } = configuredDatabase();
  const miniflare = new Miniflare({
    resourcePersistencePath: directory,
    workers: [
      {
        config: {
          name: "state",
          compatibilityDate: readWranglerConfig().compatibility_date,
          manifest: {
            mainModule: "index.js",
            modulesRoot: "/",
            modules: { "index.js": { type: "esm", contents: "export default {}" } },
          },
          env: {
            BUCKET: { type: "r2", name: BUCKET_NAME },
            // By its id, as wrangler does.
            DB: { type: "d1", id: preview_database_id ?? database_id },
          },
        },
      },
    ],
  });
  const close = () => miniflare.dispose();
  const bindings = miniflare.getBindings<{ BUCKET: R2Bucket; DB: D1Database }>();
  const { BUCKET: r2, DB: db } = await bindings.catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const bucket: Bucket = {
    async get(key) {
      const object = await r2.get(key);
      return object && Buffer.from(await object.arrayBuffer());
    },
    async put(key, bytes) {
      await r2.put(key, bytes);
    },
    close,
  };
  return { bucket, db, close };
}
