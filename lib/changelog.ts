/** The text below the heading of a version ("1.2.0", "Unreleased") in a changelog; null where there is no such heading. */
export function changelogEntry(changelog: string, version: string): string | null {
  const [, ...sections] = changelog.split(/^## /m);
  for (const section of sections) {
    const [heading = "", ...lines] = section.split("\n");
    // "1.2.0", "[1.2.0]", "1.2.0 - 2026-11-22"
    if (heading.split(/[[\]\s]+/).find((word) => word !== "") === version) return lines.join("\n").trim();
  }
  return null;
}
