/** `npm run keys` beside a running `npm run dev`, both on a state of their own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { bearer } from "../access/admin.ts";
import { type Dev, startDev } from "../commands/dev.ts";
import { type Finished, loggedOut, printed, run, script } from "../examples/run.ts";

const ORIGIN = "https://gallery.example";
const SECRET = /^igpt_[sp]k_[0-9A-Za-z]{46}$/;

let folder: string;
let dev: Dev;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "igpt-keys-"));
  dev = await startDev(folder, "--var", "ANONYMOUS_SCOPES=");
});
afterAll(async () => {
  await dev?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const keys = (...args: string[]): Promise<Finished> => run(script("scripts/keys.ts", ...args), dev.environment);

/** A command that prints secrets: the key is the last line. */
async function issued(...args: string[]): Promise<{ id: string; secret: string; webhookSecret: string }> {
  const lines = (await printed(script("scripts/keys.ts", ...args), dev.environment)).trimEnd().split("\n");
  const [id = ""] = /key_\w+/.exec(lines.at(-3) ?? "") ?? [];
  const [, webhookSecret = ""] = /^webhook secret: (whsec_.+)$/.exec(lines.at(-2) ?? "") ?? [];
  const secret = lines.at(-1) ?? "";
  expect(secret).toMatch(SECRET);
  expect(webhookSecret).not.toBe("");
  return { id, secret, webhookSecret };
}

/** @returns undefined when the query was answered, else the error's code */
async function codeOf(secret: string, query = "{ models { id } }", headers = {}): Promise<string | undefined> {
  const response = await fetch(`${dev.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...bearer(secret), ...headers },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  return errors?.[0]?.extensions.code;
}

describe("npm run keys, while npm run dev runs", () => {
  it("makes, lists, rotates and revokes a key; each holds from the next request on", async () => {
    const first = await issued("create", "--name", "shop", "--scopes", "complete,EMBED", "--requests-per-minute", "60");
    expect(first.secret).toMatch(/^igpt_sk_/);
    expect(await codeOf(first.secret)).toBeUndefined();
    expect(await codeOf(first.secret, "{ apiKeys { id } }")).toBe("FORBIDDEN");

    const second = await issued("rotate", first.id, "--grace-seconds", "3600");
    expect(second.id).toBe(first.id);
    expect(await codeOf(first.secret)).toBeUndefined();
    expect(await codeOf(second.secret)).toBeUndefined();
    const third = await issued("rotate", first.id, "--grace-seconds", "0");
    expect(await codeOf(first.secret)).toBe("UNAUTHENTICATED");
    expect(await codeOf(second.secret)).toBe("UNAUTHENTICATED");
    expect(await codeOf(third.secret)).toBeUndefined();

    const list = await keys("list");
    expect(list.stdout).toContain(third.secret.slice(0, 16));
    expect(list.stdout).toContain("shop");
    expect(list.stdout).toContain("COMPLETE,EMBED");
    for (const { secret, webhookSecret } of [first, second, third]) {
      expect(list.stdout).not.toContain(secret);
      expect(list.stdout).not.toContain(webhookSecret);
    }

    const revoked = await keys("revoke", first.id);
    const told = [
      "Opening the database of npm run dev to change it.",
      `About to revoke shop (${first.id}, SECRET: COMPLETE, EMBED), for good.`,
      `shop (${first.id}) is revoked.`,
    ];
    expect([revoked.code, revoked.stdout]).toEqual([0, `${told.join("\n")}\n`]);
    expect(await codeOf(third.secret)).toBe("UNAUTHENTICATED");
  });

  it("says what it is about to change before it does", async () => {
    const made = await printed(
      script("scripts/keys.ts", "create", "--name", "till", "--scopes", "JOBS"),
      dev.environment,
    );
    const [id = ""] = /key_\w+/.exec(made) ?? [];
    expect(made.split("\n").slice(0, 3)).toEqual([
      "Opening the database of npm run dev to change it.",
      "About to make the key till (SECRET: JOBS).",
      `till: ${id}, SECRET, JOBS`,
    ]);
    const { stdout } = await keys("rotate", id, "--grace-seconds", "60");
    expect(stdout).toContain(
      `About to give till (${id}, SECRET: JOBS) new secrets; its old ones work for 60 s more.\n`,
    );
    const unknown = await keys("revoke", "key_nothing");
    expect(unknown.stdout).toBe("Opening the database of npm run dev to change it.\n");
  });

  it("makes the first admin key, which then makes others by GraphQL", async () => {
    const admin = await issued("create", "--name", "admin", "--scopes", "ADMIN");
    expect(await codeOf(admin.secret, "{ apiKeys { id } }")).toBeUndefined();
    const mutation = 'mutation { createApiKey(input: { name: "made", scopes: [EMBED] }) { secret } }';
    expect(await codeOf(admin.secret, mutation)).toBeUndefined();
    // The Worker may be writing when a key was used just before, and the database then be locked for the command.
    await expect.poll(async () => Object.values(await keys("list")).join("\n"), { timeout: 90_000 }).toContain("made");
  });

  it("locks a publishable key to the playground's documents, and to files of one", async () => {
    const own = join(folder, "own.graphql");
    await writeFile(own, "{ models { id version } }");
    const operations = `build/playground-operations.json,${own}`;
    const { secret } = await issued(
      ...["create", "--name", "page", "--kind", "publishable", "--scopes", "COMPLETE,EMBED,JOBS"],
      ...["--origins", ORIGIN, "--operations", operations],
    );
    const from = { origin: ORIGIN };
    const documents = await import("../../web/src/api/documents.ts");
    const list: string[] = JSON.parse(await readFile(join(ROOT, "build/playground-operations.json"), "utf8"));
    expect(new Set(list)).toEqual(new Set(Object.values(documents)));
    expect(await codeOf(secret, documents.MODELS, from)).toBeUndefined();
    expect(await codeOf(secret, documents.VIEWER, from)).toBeUndefined();
    expect(await codeOf(secret, "{ models { id version } }", from)).toBeUndefined();
    expect(await codeOf(secret, "{ models { id } }", from)).toBe("FORBIDDEN");
    expect(await codeOf(secret, documents.MODELS, { origin: "https://other.example" })).toBe("FORBIDDEN");
  });

  it.each([
    ["a scope that there is not", ["create", "--name", "x", "--scopes", "EVERYTHING"], "EVERYTHING"],
    ["no scopes", ["create", "--name", "x"], "scopes"],
    ["no name", ["create", "--scopes", "EMBED"], "name"],
    ["a past expiry", ["create", "--name", "x", "--scopes", "EMBED", "--expires", "2020-01-01"], "expiresAt"],
    [
      "a file that is no list of documents",
      [
        ...["create", "--name", "x", "--kind", "publishable", "--scopes", "EMBED"],
        ...["--origins", ORIGIN, "--operations", "package.json"],
      ],
      "package.json",
    ],
    ["no key", ["revoke"], "Which key?"],
    ["a pause that is no number", ["rotate", "key_x", "--grace-seconds", "soon"], "--grace-seconds"],
    ["an unknown key", ["revoke", "key_nothing"], "no key"],
    ["an unknown command", ["destroy"], ""],
    ["an option that there is not", ["create", "--nmae", "x", "--scopes", "EMBED"], "--nmae"],
  ])("says what is wrong with %s, and makes nothing", async (_, args, message) => {
    const { code, stdout, stderr } = await keys(...args);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
    expect(`${stdout}${stderr}`).not.toMatch(/igpt_[sp]k_\w|About to|\n {4}at /);
  });
});

it("npm run keys --remote names the production database before it opens it, and says who must log in", async () => {
  const command = script("scripts/keys.ts", "revoke", "key_x", "--remote");
  const { code, stdout, stderr } = await run(command, { ...dev.environment, ...loggedOut(folder) });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Opening the production database igpt-edge \([0-9a-f-]{36}\) to change it\.\n/);
  expect(stderr).toContain("npx wrangler login");
});
