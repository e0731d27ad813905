/** `npm run keys -- create | list | rotate | revoke`: API keys. The first admin key can only be made here. */

import { readFile } from "node:fs/promises";
import { readArguments } from "../lib/arguments.ts";
import { userPath } from "../lib/user-path.ts";
import { checkNewKey } from "../src/access/key-input.ts";
import type { KeyRecord } from "../src/access/key-record.ts";
import { type Actor, type IssuedKey, KeyStore } from "../src/access/key-store.ts";
import { isScope, type Scope } from "../src/access/scopes.ts";
import { UserError } from "../src/errors.ts";

const USAGE = `npm run keys -- COMMAND [--remote]

  create --name NAME --scopes COMPLETE,EMBED,JOBS,ADMIN
         [--kind secret|publishable] [--origins https://a.example,https://b.example] [--operations a.graphql,list.json]
         [--requests-per-minute N] [--pixels-per-month N] [--private-images] [--expires 2027-01-31T00:00:00Z]
         --operations: files of one GraphQL document each, or JSON lists of documents, such as
         build/playground-operations.json, which npm run build:assets writes: the playground's
  list
  rotate ID [--grace-seconds 3600]
  revoke ID

--remote   the production database (wrangler login first); default: that of npm run dev, also while it runs

create and rotate print the webhook secret and, as the last line, the key: both are shown this once.`;

const { values, positionals } = readArguments(USAGE, {
  allowPositionals: true,
  options: {
    remote: { type: "boolean", default: false },
    name: { type: "string" },
    scopes: { type: "string" },
    kind: { type: "string", default: "secret" },
    origins: { type: "string" },
    operations: { type: "string" },
    "requests-per-minute": { type: "string" },
    "pixels-per-month": { type: "string" },
    "private-images": { type: "boolean", default: false },
    expires: { type: "string" },
    "grace-seconds": { type: "string", default: "3600" },
  },
});

const ACTOR: Actor = { id: "cli" };
const [command = "", id = ""] = positionals;

type Change = (keys: KeyStore) => Promise<void>;

/** Each reads its options, so that what is wrong with them is told before any database is opened, and gives what to do then. */
const COMMANDS: Record<string, () => Promise<Change>> = {
  async create() {
    const kind = values.kind.toUpperCase();
    if (kind !== "SECRET" && kind !== "PUBLISHABLE")
      throw new UserError("BAD_OPTION", "--kind: secret or publishable.");
    const input = {
      name: values.name ?? "",
      kind,
      scopes: scopes(values.scopes ?? ""),
      allowedOrigins: split(values.origins),
      operations: values.operations ? (await Promise.all(split(values.operations).map(readDocuments))).flat() : null,
      requestsPerMinute: number(values["requests-per-minute"]),
      pixelsPerMonth: number(values["pixels-per-month"]),
      privateImages: values["private-images"],
      expiresAt: values.expires,
    } as const;
    checkNewKey(input, Date.now());
    return async (keys) => {
      about(`make the key ${input.name} (${describe(input)})`);
      show(await keys.create(input, ACTOR, Date.now()));
    };
  },
  list: async () => list,
  async rotate() {
    checkId();
    if (!/^\d+$/.test(values["grace-seconds"])) {
      throw new UserError("BAD_OPTION", "--grace-seconds: a whole number of seconds.");
    }
    return rotate;
  },
  async revoke() {
    checkId();
    return revoke;
  },
};

/** @throws UserError where no key is named */
function checkId(): void {
  if (id === "")
    throw new UserError("BAD_OPTION", `Which key? npm run keys -- ${command} ID; npm run keys -- list shows all.`);
}

async function list(keys: KeyStore): Promise<void> {
  const rows = (await keys.list()).map((key) => ({
    id: key.id,
    prefix: key.prefix,
    name: key.name,
    kind: key.kind,
    scopes: key.scopes.join(","),
    created: day(key.createdAt),
    expires: day(key.expiresAt),
    revoked: day(key.revokedAt),
    "last used": day(key.lastUsedAt),
  }));
  if (rows.length === 0) console.log("There are no keys.");
  else console.table(rows);
}

async function rotate(keys: KeyStore): Promise<void> {
  const key = await keys.get(id);
  about(
    `give ${key.name} (${id}, ${describe(key)}) new secrets; its old ones work for ${values["grace-seconds"]} s more`,
  );
  show(await keys.rotate(id, Number(values["grace-seconds"]), ACTOR, Date.now()));
}

async function revoke(keys: KeyStore): Promise<void> {
  const key = await keys.get(id);
  about(`revoke ${key.name} (${id}, ${describe(key)}), for good`);
  await keys.revoke(id, ACTOR, Date.now());
  console.log(`${key.name} (${id}) is revoked.`);
}

/** Told before it is done. */
function about(change: string): void {
  console.log(`About to ${change}.`);
}

function describe({ kind, scopes }: Pick<KeyRecord, "kind" | "scopes">): string {
  return `${kind}: ${scopes.join(", ")}`;
}

function show({ key, secret, webhookSecret }: IssuedKey): void {
  console.log(`${key.name}: ${key.id}, ${key.kind}, ${key.scopes.join(", ")}`);
  console.log(`webhook secret: ${webhookSecret}`);
  console.log(secret);
}

function split(list: string | undefined): string[] {
  return (list ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function scopes(list: string): Scope[] {
  return split(list.toUpperCase()).map((name) => {
    if (!isScope(name)) throw new UserError("BAD_OPTION", `--scopes: there is no scope ${name}.`);
    return name;
  });
}

function number(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

async function readDocuments(path: string): Promise<string[]> {
  const text = await readFile(userPath(path), "utf8").catch(() => {
    throw new UserError("BAD_OPTION", `--operations: ${path} cannot be read.`);
  });
  if (!path.endsWith(".json")) return [text];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((document) => typeof document === "string")) return list;
  } catch {
    // Told below.
  }
  throw new UserError("BAD_OPTION", `--operations: ${path} is no JSON list of GraphQL documents.`);
}

function day(time: number | null): string {
  return time === null ? "" : new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

const prepare = COMMANDS[command];
if (!prepare) {
  console.log(USAGE);
  process.exit(2);
}
try {
  const change = await prepare();
  // Takes a second to load: who mistyped an option need not wait for it.
  const { nameOfDatabase, openDatabase } = await import("../lib/database.ts");
  if (command !== "list") console.log(`Opening ${nameOfDatabase(values)} to change it.`);
  if (values.remote) {
    // wrangler's remote session reports its failures beside the promise that waits for it.
    process.once("uncaughtException", (error) => {
      console.error(error.message.split("\n", 1)[0]);
      console.error("The production database cannot be reached: npx wrangler login, or set CLOUDFLARE_API_TOKEN.");
      process.exit(1);
    });
  }
  const { db, close } = await openDatabase(values);
  try {
    await change(new KeyStore(db));
  } finally {
    await close();
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
