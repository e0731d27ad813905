/** `npm run costs`: computes the totals of docs/costs.md from its tables and writes them there. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readArguments } from "../lib/arguments.ts";
import { withTotals } from "../lib/costs.ts";
import { ROOT } from "../lib/root.ts";

readArguments("npm run costs: writes the totals of docs/costs.md, from its prices, CPU times and operations", {});

const path = join(ROOT, "docs/costs.md");
await writeFile(path, withTotals(await readFile(path, "utf8")));
