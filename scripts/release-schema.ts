/** `npm run release:schema`: keeps the schema as that of a release; later ones are checked against it. */
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../lib/root.ts";
import { breakingChanges, CURRENT_SCHEMA, RELEASED_SCHEMA } from "../lib/schema-changes.ts";

const [current, released] = [join(ROOT, CURRENT_SCHEMA), join(ROOT, RELEASED_SCHEMA)];
const before = await readFile(released, "utf8").catch(() => null);
const breaking = before === null ? [] : await breakingChanges(before, await readFile(current, "utf8"));
await copyFile(current, released);
console.log(`${RELEASED_SCHEMA} is now a copy of ${CURRENT_SCHEMA}.`);
if (breaking.length > 0) {
  console.log(`This release breaks clients of the last one, which calls for a new major version:`);
  for (const change of breaking) console.log(`- ${change}`);
}
