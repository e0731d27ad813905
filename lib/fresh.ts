import { globSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./root.ts";

/** True when a built file is missing or older than one of its sources (globs from the project's root). */
export function isStale(output: string, sources: string[]): boolean {
  const built = mtime(output);
  return built === 0 || globSync(sources, { cwd: ROOT }).some((source) => mtime(source) > built);
}

function mtime(path: string): number {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
