/** Every command of the docs is one that there is, with options that it takes; those that nobody runs here say why. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { run } from "../examples/run.ts";
import { commandsOf, isWrangler, partsOf, problemsOf, REASONS } from "./commands.ts";
import { readPages } from "./pages.ts";
import { isStep } from "./steps.ts";

const commands = readPages().flatMap(commandsOf);

it.each(commands)("$page: $text", (command) => {
  expect(problemsOf(command)).toEqual([]);
});

it("each command of a block is run by a test, or its block says why not", () => {
  const blocks = commands.filter(({ inline }) => !inline);
  expect(blocks.length).toBeGreaterThan(30);
  const untold = blocks.filter(({ text, reason }) => reason === null && !isStep(text));
  expect(untold.map(({ page, text }) => `${page}: ${text}`)).toEqual([]);
  expect(blocks.map(({ reason }) => reason).filter((reason) => reason !== null && !REASONS.includes(reason))).toEqual(
    [],
  );
});

it("what `.ci/run` runs is run there", () => {
  // Installing is the first thing that it does, on a fresh clone.
  expect(readFileSync(join(ROOT, ".ci/run"), "utf8").split("\n")).toContain("npm ci");
});

describe("the check notices", () => {
  it.each([
    ["npm run nothing", "there is no npm run nothing"],
    ["npm run keys -- create --colour red", "scripts/keys.ts knows no --colour"],
    ["npm run lint -- --hard", "it takes no --hard"],
    ["npm run origin -- --port 1 --queue-row 3", "origin/main.ts knows no --queue-row"],
    ["npx tsx examples/nothing.ts", "there is no examples/nothing.ts"],
    ["$python -m igpt.nothing", "there is no igpt.nothing"],
    ["$python -m igpt.train --speed 3", "igpt.train knows no --speed"],
    ["make everything", "no test knows make"],
  ])("%s", (text, problem) => {
    expect(problemsOf({ page: "README.md", line: 1, text, inline: false, reason: null })).toContain(problem);
  });
});

describe("wrangler knows", () => {
  const calls = commands.flatMap(({ text }) => partsOf(text).filter(isWrangler));
  const texts = [...new Set(calls.map((words) => words.slice(words.indexOf("wrangler") + 1).join(" ")))];

  it.each(texts)("%s", async (text) => {
    expect(await wranglerProblems(text)).toEqual([]);
  });

  it("no others", async () => {
    expect(await wranglerProblems("r2 bucket make igpt-edge")).not.toEqual([]);
    expect(await wranglerProblems("d1 migrations apply DB --remotely")).toEqual(["no --remotely"]);
    expect(await wranglerProblems("secret put")).not.toEqual([]);
  });
});

/** By its own help, which needs no account: the same words, then as many arguments; every option named. */
async function wranglerProblems(text: string): Promise<string[]> {
  // Options, and what belongs to them, come last.
  const words = text.replace(/ --.*/, "").split(" ");
  const options = text.split(" ").filter((word) => word.startsWith("--"));
  const stdout = await helpOf(words);
  const usage = stdout.split("\n").find((line) => line.startsWith("wrangler ")) ?? "";
  const named = usage
    .split(" ")
    .slice(1)
    .filter((word) => !/^[<[]/.test(word));
  const required = [...usage.matchAll(/<[^>]+>/g)].length;
  const given = words.length - named.length;
  const fits = named.length > 0 && words.slice(0, named.length).join(" ") === named.join(" ");
  return [
    ...(fits && given >= required && given <= [...usage.matchAll(/[<[][^\s]+/g)].length
      ? []
      : [`its help says ${JSON.stringify(usage)}`]),
    ...options.filter((option) => !stdout.includes(option)).map((option) => `no ${option}`),
  ];
}

const asked = new Map<string, Promise<string>>();

/** Asked once: wrangler takes seconds. */
function helpOf(words: string[]): Promise<string> {
  const key = words.join(" ");
  const help =
    asked.get(key) ??
    run(["node_modules/.bin/wrangler", ...words, "--help"], { WRANGLER_SEND_METRICS: "false" }).then(
      ({ stdout }) => stdout,
    );
  asked.set(key, help);
  return help;
}
