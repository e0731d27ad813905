import { expect, it } from "vitest";
import { changelogEntry } from "./changelog.ts";

const CHANGELOG = `# Changelog

What changes. Not 9.9.9.

## Unreleased

## [0.2.0] - 2026-12-01

- Two.

### Details

More.

## 0.1.0

The first.
`;

it.each([
  ["0.1.0", "The first."],
  ["0.2.0", "- Two.\n\n### Details\n\nMore."],
  ["Unreleased", ""],
  ["0.1", null],
  ["9.9.9", null],
])("the entry of %s", (version, entry) => {
  expect(changelogEntry(CHANGELOG, version)).toBe(entry);
});
