/** What the docs refer to exists. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { anchorsOf, type Page, proseOf, readPages } from "./pages.ts";

/** Made by commands, so not in a clone. */
const MADE = /^(build|demo-out|node_modules|\.wrangler)\//;
/** A path of this repository in backticks: it begins with one of its folders, and has no placeholder. */
const PATH =
  /`((?:\.ci|src|docs|test|scripts|training|kernel|origin|web|examples|bench|deploy|migrations|r2-assets)\/[\w./-]*)`/g;

const pages = readPages();
const scripts = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> })
  .scripts;

describe.each(pages)("$path", (page) => {
  it("links to what is there", () => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const missing = links.filter((target) => !/^[a-z]+:/.test(target)).filter((target) => !resolves(page, target));
    expect(missing).toEqual([]);
  });

  it("names npm scripts that there are", () => {
    const names = [...page.text.matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map(([, name = ""]) => name);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });

  it("names paths that there are", () => {
    const paths = [...proseOf(page).matchAll(PATH)].map(([, path = ""]) => path);
    // training/README.md and others speak from their own folder too.
    const exists = (path: string) =>
      [ROOT, join(ROOT, dirname(page.path))].some((base) => existsSync(join(base, path)));
    expect(paths.filter((path) => !MADE.test(path) && !exists(path))).toEqual([]);
  });
});

it("every code of an error is explained", () => {
  const source = readFileSync(join(ROOT, "src/errors.ts"), "utf8");
  const codes = [...source.matchAll(/\| "([A-Z_]+)"/g)].map(([, code = ""]) => code);
  expect(codes.length).toBeGreaterThan(10);
  const guide = pages.find(({ path }) => path === "docs/graphql.md")?.text ?? "";
  expect(codes.filter((code) => !guide.includes(`| \`${code}\` |`))).toEqual([]);
});

function resolves(page: Page, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? join(ROOT, page.path) : join(ROOT, dirname(page.path), file);
  if (!existsSync(path)) return false;
  if (anchor === undefined) return true;
  const linked = pages.find((other) => other.path === relative(ROOT, path));
  return linked !== undefined && anchorsOf(linked).has(anchor);
}
