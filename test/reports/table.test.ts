/** `test/reports.md` names a test for each report, and each test exists. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";

const rows = readFileSync(join(ROOT, "test/reports.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| [^ |]+\/[^ |]+#\d+ \|/.test(line))
  .map((line) => line.slice(2, -2).split(" | "));

it("has twenty reports and more, each once", () => {
  const reports = rows.map(([report]) => report);
  expect(reports.length).toBeGreaterThanOrEqual(20);
  expect(new Set(reports).size).toBe(reports.length);
});

it.each(rows)("%s", (...[, , , , test = ""]) => {
  const [, file = "", name = ""] = /^`([\w./-]+)`: (.+)$/.exec(test) ?? [];
  expect(existsSync(join(ROOT, file)), file).toBe(true);
  // Quoted: it is a test's or a group's name, or a case of one.
  expect(readFileSync(join(ROOT, file), "utf8")).toContain(`"${name}"`);
});
