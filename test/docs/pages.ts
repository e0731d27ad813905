import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, visit } from "graphql";
import { ROOT } from "../../lib/root.ts";

/** A page of Markdown that users read. */
export interface Page {
  /** From the project's root. */
  path: string;
  text: string;
}

/** A fenced block of code. */
export interface Block {
  page: string;
  line: number;
  language: string;
  code: string;
}

const OTHERS = ["README.md", "CHANGELOG.md", "examples/README.md", "training/README.md"];

export function readPages(): Page[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return [...OTHERS, ...docs.sort()].map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

export function blocksOf({ path, text }: Page): Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = "", 2: code = "" }) => ({
    page: path,
    line: text.slice(0, index).split("\n").length,
    language,
    code,
  }));
}

/** The blocks of code in the schema's descriptions, which GraphiQL shows. */
export function blocksOfSchema(path = "src/schema.graphql"): Block[] {
  const blocks: Block[] = [];
  visit(parse(readFileSync(join(ROOT, path), "utf8")), {
    enter(node) {
      if (!("description" in node) || !node.description) return;
      const { value, loc } = node.description;
      const first = loc?.startToken.line ?? 0;
      blocks.push(...blocksOf({ path, text: value }).map((block) => ({ ...block, line: first + block.line })));
    },
  });
  return blocks;
}

/** A page without its blocks of code. */
export function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ text }: Page): Set<string> {
  const headings = proseOf({ path: "", text }).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
