import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";
import { ROOT } from "./root.ts";

/** Where the user stands: npm runs scripts in the project's root and says in INIT_CWD where it was called. */
function userFolder(): string {
  const { INIT_CWD } = process.env;
  return INIT_CWD && resolve(process.cwd()) === resolve(ROOT) ? INIT_CWD : process.cwd();
}

/** A path from a command line: absolute, from where the user stands, or from the home folder (`~`). @returns it absolute */
export function userPath(path: string): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return resolve(userFolder(), path);
}

/** How a path is best told to the user: from where they stand if it is below that, else absolute. */
export function shownPath(path: string): string {
  const short = relative(userFolder(), path);
  return short.startsWith("..") ? path : short;
}
