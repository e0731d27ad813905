/** The diagram of docs/architecture.md is drawn from the imports: nothing that is missing, nothing that points back. */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { blocksOf } from "./pages.ts";

const PAGE = "docs/architecture.md";
/** Known to all parts, or knowing all: the page says that the diagram leaves them out. */
const LEFT_OUT = ["src/errors.ts", "src/services.ts", "src/worker.ts", "src/http/log.ts", "src/http/trace.ts"];

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const text = readFileSync(join(ROOT, PAGE), "utf8");
const [diagram] = blocksOf({ path: PAGE, text }).filter(({ language }) => language === "mermaid");
/** Names in the diagram -> paths of the project. */
const nodes = new Map(
  [...(diagram?.code.matchAll(/(\w+)\[+\(?"([^"<]+)/g) ?? [])].map(([, name = "", label = ""]) => [name, label.trim()]),
);
const paths = [...nodes.values()].filter((path) => existsSync(join(ROOT, path)));
const arrows = [...(diagram?.code.matchAll(/(\w+)(?:\["[^"]*"\])? --> (\w+)/g) ?? [])].map(
  ([, from = "", to = ""]) => ({
    from: nodes.get(from) ?? from,
    to: nodes.get(to) ?? to,
  }),
);
const imports = readImports();

it("every node is a part of the project, and every part of the Worker is a node", () => {
  // The bucket's are drawn as what they are.
  expect([...nodes.values()].filter((path) => !existsSync(join(ROOT, path)) && !path.startsWith("bucket"))).toEqual([]);
  const parts = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(parts.map(({ name }) => `src/${name}`).filter((path) => !paths.includes(path))).toEqual([]);
});

describe("arrows", () => {
  it.each(arrows)("$from -> $to is an import", ({ from, to }) => {
    expect(imports.some((one) => one.from === from && one.to === to)).toBe(true);
  });

  it("are all there are", () => {
    const drawn = new Set(arrows.map(({ from, to }) => `${from} -> ${to}`));
    const missing = imports.filter(({ typeOnly }) => !typeOnly).map(({ from, to }) => `${from} -> ${to}`);
    expect([...new Set(missing)].filter((arrow) => !drawn.has(arrow))).toEqual([]);
  });

  it("go one way", () => {
    const reach = (from: string, seen: Set<string>): Set<string> => {
      for (const { to } of arrows.filter((arrow) => arrow.from === from)) if (!seen.has(to)) reach(to, seen.add(to));
      return seen;
    };
    expect(paths.filter((path) => reach(path, new Set()).has(path))).toEqual([]);
  });
});

it("files that the page names are there", () => {
  const named = [...text.matchAll(/`((?:src|training|origin|kernel)\/[\w./-]+)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

/** Imports from one node's files of another node's. */
function readImports(): Import[] {
  const files = globSync(["src/**/*.ts", "origin/**/*.ts", "bundles/**/*.ts", "lib/**/*.ts"], { cwd: ROOT }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  return files
    .filter((file) => !LEFT_OUT.includes(file))
    .flatMap((file) => {
      const source = readFileSync(join(ROOT, file), "utf8");
      const from = nodeOf(file);
      return [...source.matchAll(/^(?:import|export)( type)?[^;]*? from "(\.[^"]+)"/gm)].flatMap(
        ([, type, target = ""]) => {
          const imported = join(dirname(file), target);
          const to = nodeOf(imported);
          return from && to && from !== to && !LEFT_OUT.includes(imported)
            ? [{ from, to, typeOnly: type !== undefined }]
            : [];
        },
      );
    });
}

function nodeOf(file: string): string | undefined {
  return paths.filter((path) => file === path || file.startsWith(`${path}/`)).sort((a, b) => b.length - a.length)[0];
}
