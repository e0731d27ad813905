import { openFolder } from "../bundles/folder.ts";
import { publish } from "../bundles/publish.ts";
import { openMigrated } from "./database.ts";
import { openLocalState } from "./local-state.ts";
import { ASSETS } from "./root.ts";

/**
 * Puts the project's models into the local bucket, where they aren't there already.
 * @param database whether the database's tables are wanted too: on a new one that takes seconds
 */
export async function prepareState({ database }: { database: boolean }): Promise<void> {
  const { bucket, close } = await (database ? openMigrated() : openLocalState());
  try {
    await publish((key) => openFolder(ASSETS).get(key), bucket);
  } catch (error) {
    throw new Error("The models could not be put into the local bucket. Deleting .wrangler/state empties it.", {
      cause: error,
    });
  } finally {
    await close();
  }
}
