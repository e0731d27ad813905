/** Clients of the last release, and of the agreed contract, go on working. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { breakingChanges, CURRENT_SCHEMA, RELEASED_SCHEMA } from "../../lib/schema-changes.ts";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const current = read(CURRENT_SCHEMA);

it("nothing of the last release is broken", async () => {
  expect(await breakingChanges(read(RELEASED_SCHEMA), current)).toEqual([]);
});

it("everything of the agreed contract is there", async () => {
  expect(await breakingChanges(read("test/schema/contract.graphql"), current)).toEqual([]);
});

describe("the check notices", () => {
  it.each([
    ["a removed field", "  rowsDone: Int!", "  rowsMade: Int!"],
    ["a field that may now be null", "  seed: Int!", "  seed: Int"],
    ["a removed enum value", /^.*Quality 90.*\n {2}JPEG\n/m, ""],
    ["an argument that is now required", "    samples: Int! = 1\n", "    samples: Int!\n"],
    ["another default", "privateImages: Boolean! = false", "privateImages: Boolean! = true"],
    ["an input field that is now required", "  base64: String\n", "  base64: String!\n"],
    ["another type", "nllPerPixel: Float!", "nllPerPixel: String!"],
  ])("%s", async (_, from, to) => {
    const changed = current.replace(from, to);
    expect(changed).not.toBe(current);
    expect(await breakingChanges(current, changed)).toHaveLength(1);
  });

  it("no breakage in an addition", async () => {
    const added = current.replace(/^type Query \{\n/m, "$&  added(now: Boolean): Int\n");
    expect(added).not.toBe(current);
    expect(await breakingChanges(current, added)).toEqual([]);
  });
});
