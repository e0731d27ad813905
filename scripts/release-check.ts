/** `npm run release:check`: does on a fresh clone of HEAD what a release needs. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../lib/arguments.ts";
import { changelogEntry } from "../lib/changelog.ts";
import { ROOT } from "../lib/root.ts";
import { CURRENT_SCHEMA, RELEASED_SCHEMA } from "../lib/schema-changes.ts";

const USAGE = `npm run release:check [-- --dry] [--skip-ci]

--dry      before you prepare a release: the changelog's "Unreleased" section counts as the version's entry
--skip-ci  install only, without running .ci/run: to try this script, not a release`;

const { values: options } = readArguments(USAGE, {
  options: {
    dry: { type: "boolean", default: false },
    "skip-ci": { type: "boolean", default: false },
  },
});

await check();

async function check(): Promise<void> {
  const problems = await unprepared();
  for (const problem of problems) console.error(`Not ready: ${problem}`);
  if (problems.length > 0) {
    process.exitCode = 1;
    return;
  }
  const clone = await mkdtemp(join(tmpdir(), "igpt-edge-release-"));
  // Ctrl-C ends the step, which reaches it too; what follows is the cleaning up below.
  process.on("SIGINT", () => {});
  const passed: string[] = [];
  try {
    const steps: [program: string, ...args: string[]][] = [
      ["git", "clone", "--quiet", "--no-local", ROOT, "."],
      options["skip-ci"] ? ["npm", "ci"] : ["bash", ".ci/run"],
      ["npm", "run", "demo"],
      ["npm", "run", "models", "--", "verify", "--dir", "r2-assets"],
    ];
    for (const [program, ...args] of steps) {
      const started = performance.now();
      console.log(`\n== ${program} ${args.join(" ")}`);
      await step(clone, program, args);
      passed.push(`${program} ${args.join(" ")} (${Math.round((performance.now() - started) / 1000)} s)`);
    }
    console.log(`\n${git("rev-parse", "--short", "HEAD")} passed on a fresh clone:`);
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}\nPassed before that:`);
    process.exitCode = 1;
  } finally {
    for (const command of passed) console.log(`- ${command}`);
    await rm(clone, { recursive: true, force: true });
  }
  if (options["skip-ci"]) console.log("This run skipped CI, so it says nothing about a release.");
}

/** What is to be done before a release can be checked, a sentence each. */
async function unprepared(): Promise<string[]> {
  const problems: string[] = [];
  const changed = git("status", "--porcelain");
  if (changed !== "") problems.push(`the work tree has uncommitted changes:\n${changed}`);

  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
  const title = options.dry ? "Unreleased" : version;
  const changelog = await readFile(join(ROOT, "CHANGELOG.md"), "utf8");
  if (!changelogEntry(changelog, title)) problems.push(`CHANGELOG.md says nothing under "## ${title}".`);

  const [current, released] = await Promise.all(
    [CURRENT_SCHEMA, RELEASED_SCHEMA].map((path) => readFile(join(ROOT, path), "utf8")),
  );
  if (!options.dry && current !== released)
    problems.push(`${RELEASED_SCHEMA} isn't the schema of this release: npm run release:schema`);
  return problems;
}

/** Runs a program in the clone, its output shown. @throws Error when it fails. */
async function step(cwd: string, program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { cwd, env: cleanEnvironment(), stdio: "inherit" });
  const code = await new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  if (code !== 0) throw new Error(`Failed: ${program} ${args.join(" ")}`);
}

/** Without what npm adds for this script: the clone must not find this folder's programs. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const path = (process.env.PATH ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
  const added = Object.keys(process.env).filter((name) =>
    /^npm_(?!config_)|^npm_config_local_prefix$|^INIT_CWD$|^NODE$/.test(name),
  );
  // What is undefined isn't passed on.
  return { ...process.env, ...Object.fromEntries(added.map((name) => [name, undefined])), PATH: path.join(":") };
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
}
