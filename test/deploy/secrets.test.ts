/** `.dev.vars.example` names each secret that docs/deploy.md lists, and no other. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";

it("the example of local secrets has those of production", () => {
  const docs = readFileSync(join(ROOT, "docs/deploy.md"), "utf8");
  const table = docs.slice(docs.indexOf("| secret | for |")).split("\n\n")[0] ?? "";
  const listed = [...table.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
  const example = readFileSync(join(ROOT, ".dev.vars.example"), "utf8");
  expect(listed.length).toBeGreaterThan(3);
  expect([...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)).toEqual(expect.arrayContaining(listed));
  expect(example.match(/^[A-Z_]+=/gm)).toHaveLength(new Set(listed).size);
});
