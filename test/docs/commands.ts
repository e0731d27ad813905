/** The commands of the docs, and what can be told of one without running it. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../../lib/root.ts";
import { blocksOf, type Page, proseOf } from "./pages.ts";

/** A command of a `sh` block or, `inline`, in the midst of a sentence or a table. */
export interface Command {
  page: string;
  line: number;
  text: string;
  inline: boolean;
  /** Why no test runs it, as its block says in its first line; null: one does. */
  reason: string | null;
}

/** What a reader may be told instead: `# Not run by the tests: takes hours.` as a block's first line. */
export const REASONS = [
  "needs a Cloudflare account",
  "needs a GPU",
  "needs the internet",
  "takes minutes",
  "takes hours",
];
const REASON = /^# Not run by the tests: (.+)\.$/;
/** All of its commands are of that kind. */
const PAGES: Record<string, string> = { "training/README.md": "takes hours" };

const INLINE = /`((?:[A-Z_]+=\S+ )*(?:npm|npx|bash|wrangler|kubectl|docker|tritonserver) [^`]+)`/g;

export function commandsOf(page: Page): Command[] {
  const inBlocks = blocksOf(page)
    .filter(({ language }) => language === "sh")
    // Queries: test/docs/queries.test.ts runs them.
    .filter(({ code }) => !/^curl /m.test(code))
    .flatMap(({ code, line }) => {
      const said = REASON.exec(code.split("\n", 1)[0] ?? "")?.[1];
      return lines(code).map((text) => ({
        ...{ page: page.path, line, text, inline: false },
        reason: said ?? PAGES[page.path] ?? null,
      }));
    });
  const inProse = [...proseOf(page).matchAll(INLINE)].map(([, text = ""]) => ({
    ...{ page: page.path, line: 0, text: text.replace(/\s+/g, " "), inline: true, reason: null },
  }));
  return [...inBlocks, ...inProse];
}

/** One command a line: continued lines are joined, comments left out. */
function lines(code: string): string[] {
  return code
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/(^|\s+)#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** The commands that `&&` joins, without what is set for them in front. */
export function partsOf(text: string): string[][] {
  return text
    .split(" && ")
    .map((part) => part.replace(/^(?:[A-Z_]+=\S* )+/, ""))
    .map((part) => part.split(/\s+/));
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** What is wrong with a command, as far as its files and options tell; wrangler's own are asked of it elsewhere. */
export function problemsOf({ page, text }: Command): string[] {
  return partsOf(text).flatMap((words) => {
    const [program = "", ...args] = words;
    if (program === "npm") return npmProblems(args);
    if (program === "npx" && args[0] === "tsx")
      return [...missing(page, args[1]), ...unknownOptions(args.slice(2), args[1])];
    if (program === "npx" && args[0] === "vitest") return missing(page, args[2]);
    if (program === "npx" || program === "wrangler")
      return isWrangler(words) ? [] : [`no test knows ${program} ${args[0]}`];
    if (program === "bash") return missing(page, args[0]);
    if (program === "kubectl") return missing(page, args[args.indexOf("-f") + 1]);
    const [, of, module] = /(?:^| )-m (igpt|igpt_gpu)\.(\S+)/.exec(words.join(" ")) ?? [];
    if (of !== undefined && module !== undefined) return pythonProblems(of, module, args);
    return SHELL.test(words.join(" ")) ? [] : [`no test knows ${program}`];
  });
}

/** Programs that are no part of the project. */
const SHELL =
  /^(cd|kill|mkdir|tail|python -m transformers|python -c|docker compose up|tritonserver --model-repository=)\b|^\w+=|^\$\(dirname \$python\)\/hf |^\$\(bash \S+\) \S+\.py/;

export function isWrangler([program, first]: readonly string[]): boolean {
  return program === "wrangler" || (program === "npx" && first === "wrangler");
}

function npmProblems([command = "", script = "", ...rest]: readonly string[]): string[] {
  if (command === "ci" || command === "test") return [];
  if (command !== "run") return [`no test knows npm ${command}`];
  const runs = scripts[script];
  if (runs === undefined) return [`there is no npm run ${script}`];
  return unknownOptions(rest, /tsx (\S+)/.exec(runs)?.[1]);
}

/** Options that neither this program nor what it imports names. */
function unknownOptions(args: readonly string[], path: string | undefined): string[] {
  const options = args.filter((word) => /^--./.test(word)).map((word) => word.slice(2).replace(/=.*/, ""));
  if (options.length === 0) return [];
  if (path === undefined) return [`it takes no --${options[0]}`];
  const source = [path, ...importsOf(path)].map((file) => readFileSync(join(ROOT, file), "utf8")).join("\n");
  return options
    .filter((name) => !new RegExp(`(?:["']${name}["']|\\b${name}): \\{ type:|"--${name}"`).test(source))
    .map((name) => `${path} knows no --${name}`);
}

function importsOf(path: string): string[] {
  const source = readFileSync(join(ROOT, path), "utf8");
  return [...source.matchAll(/from "(\.[^"]+\.ts)"/g)].map(([, file = ""]) => join(dirname(path), file));
}

function pythonProblems(of: string, module: string, args: readonly string[]): string[] {
  const root = of === "igpt" ? "training/igpt" : "gpu/igpt_gpu";
  const path = `${root}/${module.replaceAll(".", "/")}`;
  if (!existsSync(join(ROOT, `${path}.py`)) && !existsSync(join(ROOT, path, "__main__.py")))
    return [`there is no ${of}.${module}`];
  const source = globSync(`${root}/**/*.py`, { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), "utf8"))
    .join("\n");
  return args
    .filter((word) => /^--./.test(word))
    .filter((word) => !source.includes(`"${word}"`))
    .map((word) => `${of}.${module} knows no ${word}`);
}

/** A path from the project's root or from the page's folder; placeholders such as FILE and $(...) may stand for one. */
function missing(page: string, path: string | undefined): string[] {
  if (path === undefined) return ["a path is missing"];
  const found = [ROOT, join(ROOT, dirname(page))].some((base) => existsSync(join(base, path)));
  return found ? [] : [`there is no ${path}`];
}
