import type { NewKeyInput } from "../../src/access/key-input.ts";
import { KeyStore } from "../../src/access/key-store.ts";
import type { SharedWorker } from "../shared-worker.ts";

/** The header of a request with a key. */
export function bearer(secret: string): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}

/** A key made as the command line makes it: straight in the database. */
export function issueKey(worker: SharedWorker, input: Partial<NewKeyInput> = {}) {
  const store = new KeyStore(worker.env.DB);
  return store.create({ name: "test", scopes: ["COMPLETE", "EMBED"], ...input }, { id: "cli" }, Date.now());
}
