import { openFolder } from "../bundles/folder.ts";
import { publish } from "../bundles/publish.ts";
import { ASSETS } from "./root.ts";
import { openLocalBucket } from "./wrangler-bucket.ts";

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
