/** Paths that commands are given: from where the user stands, from the home folder, absolute. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Finished, printed, run, script } from "../examples/run.ts";

let folder: string;
/** As npm sets it, and a home of the test's own. */
let environment: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "igpt-paths-"));
  const [INIT_CWD, HOME] = [join(folder, "stands"), join(folder, "home")];
  await Promise.all([mkdir(INIT_CWD), mkdir(HOME)]);
  environment = { INIT_CWD, HOME, IGPT_EDGE_STATE: join(folder, "state") };
});
afterAll(() => rm(folder, { recursive: true, maxRetries: 5 }));

it("npm run demo writes its picture where it is told", async () => {
  const out = join(folder, "a/b.png");
  const told = await printed(script("scripts/demo.ts", "--model", "igpt-small", "--out", out), environment);
  expect(told).toContain(`its completions: ${out}\n`);
  expect((await readFile(out)).subarray(1, 4).toString()).toBe("PNG");
}, 400_000);

it("npm run bench knows before its work that what it should write has no place", async () => {
  const bench = (...files: string[]) => run(script("bench/index.ts", "--quick", ...files), environment);
  expect(await bench("--json", "figures.json", "--svg", "~/plots/a.svg")).toMatchObject({
    code: 2,
    stderr: `${join(folder, "home/plots")} is no folder that can be written to.\n`,
  });
  expect(await bench("--json", "none/figures.json")).toMatchObject({
    code: 2,
    stderr: `${join(folder, "stands/none")} is no folder that can be written to.\n`,
  });
});

it("npm run keys reads the operations from where the user has them", async () => {
  const document = "query Models { models { id } }";
  const absolute = join(folder, "absolute.graphql");
  await writeFile(join(folder, "stands/relative.graphql"), document);
  await writeFile(join(folder, "home/list.json"), JSON.stringify(["{ models { license } }"]));
  await writeFile(absolute, "{ viewer { scopes } }");
  const create = (operations: string): Promise<Finished> => {
    const key = ["--name", "x", "--scopes", "COMPLETE", "--kind", "publishable", "--origins", "https://a.example"];
    return run(script("scripts/keys.ts", "create", ...key, "--operations", operations), environment);
  };
  const { code, stderr } = await create(`relative.graphql,~/list.json,${absolute}`);
  expect([code, stderr]).toEqual([0, ""]);
  const missing = await create("missing.graphql");
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("missing.graphql cannot be read") });
});
