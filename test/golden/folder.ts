import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../lib/root.ts";

/** A new folder laid out like r2-assets that holds these golden bundles, the first of them the default. */
export function goldenFolder(...ids: [string, ...string[]]): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "igpt-models-"));
  for (const id of ids) {
    mkdirSync(join(path, "models", id), { recursive: true });
    cpSync(join(ROOT, "test/golden", id), join(path, "models", id, "1"), { recursive: true });
  }
  const models = Object.fromEntries(ids.map((id) => [id, { version: "1", versions: ["1"] }]));
  writeFileSync(join(path, "models/index.json"), JSON.stringify({ format: 1, default: ids[0], models }));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
