import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getPlatformProxy, unstable_readConfig } from "wrangler";
import { ROOT } from "./root.ts";
import { run } from "./run.ts";
import { STATE } from "./state.ts";

export interface OpenDatabase {
  db: D1Database;
  close: () => Promise<void>;
}

/** wrangler.toml's database. @throws Error where it has none */
function configured() {
  const { compatibility_date, d1_databases } = unstable_readConfig({ config: join(ROOT, "wrangler.toml") });
  const [database] = d1_databases;
  if (!database) throw new Error("wrangler.toml has no D1 database.");
  return { compatibility_date, database };
}

/** How a command names the database that it is about to change. */
export function nameOfDatabase({ remote = false } = {}): string {
  if (!remote) return "the database of npm run dev";
  const { database_name, database_id } = configured().database;
  return `the production database ${database_name} (${database_id})`;
}

/**
 * The project's D1: that of `npm run dev` (also while it runs), or the production one through wrangler's login. Either is
 * reached by the same binding, from a configuration that has nothing but the database.
 */
export async function openDatabase({ remote = false } = {}): Promise<OpenDatabase> {
  const { compatibility_date, database } = configured();
  const directory = await mkdtemp(join(tmpdir(), "igpt-edge-"));
  try {
    const configPath = join(directory, "wrangler.json");
    const config = { name: "igpt-edge-database", compatibility_date, d1_databases: [{ ...database, remote }] };
    await writeFile(configPath, JSON.stringify(config));
    const proxy = await getPlatformProxy<{ DB: D1Database }>({
      configPath,
      persist: { path: join(STATE, "v3") },
      remoteBindings: remote,
    });
    return {
      db: proxy.env.DB,
      close: async () => {
        await proxy.dispose();
        await rm(directory, { recursive: true });
      },
    };
  } catch (error) {
    await rm(directory, { recursive: true });
    throw error;
  }
}

/**
 * Applies what is new in `migrations/` to the database of `npm run dev`. Production's are a step of their own, before
 * `npm run deploy`, which applies none: `wrangler d1 migrations apply DB --remote`.
 */
export async function migrateLocalDatabase(): Promise<void> {
  const { db, close } = await openDatabase();
  try {
    if ((await pendingMigrations(db)).length === 0) return;
  } finally {
    await close();
  }
  await run("node_modules/.bin/wrangler", ["d1", "migrations", "apply", "DB", "--local", "--persist-to", STATE]);
}

async function pendingMigrations(db: D1Database): Promise<string[]> {
  const all = (await readdir(join(ROOT, "migrations"))).filter((name) => name.endsWith(".sql"));
  // wrangler's own table of what was applied.
  const table = await db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'd1_migrations'").first();
  if (!table) return all;
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  return all.filter((name) => !applied.has(name));
}
