import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalState, openLocalState } from "./local-state.ts";
import { ROOT } from "./root.ts";
import { run } from "./run.ts";
import { STATE } from "./state.ts";
import { configuredDatabase, readWranglerConfig } from "./wrangler-config.ts";

export interface OpenDatabase {
  db: D1Database;
  close: () => Promise<void>;
}

/** How a command names the database that it is about to change. */
export function nameOfDatabase({ remote = false } = {}): string {
  if (!remote) return "the database of npm run dev";
  const { database_name, database_id } = configuredDatabase();
  return `the production database ${database_name} (${database_id})`;
}

/** The project's D1: that of `npm run dev` (also while it runs), or the production one through wrangler's login. */
export function openDatabase({ remote = false } = {}): Promise<OpenDatabase> {
  return remote ? openProduction() : openMigrated();
}

/**
 * What `npm run dev` has stored, with all of `migrations/` applied to its database. Production's are a step of their own,
 * before `npm run deploy`, which applies none: `wrangler d1 migrations apply DB --remote`.
 */
export async function openMigrated(): Promise<LocalState> {
  const state = await openLocalState();
  try {
    if ((await pendingMigrations(state.db)).length === 0) return state;
  } catch (error) {
    await state.close();
    throw error;
  }
  await state.close();
  await run("node_modules/.bin/wrangler", ["d1", "migrations", "apply", "DB", "--local", "--persist-to", STATE]);
  return openLocalState();
}

/** The same binding, from a configuration that has nothing but the database. */
async function openProduction(): Promise<OpenDatabase> {
  const { getPlatformProxy } = await import("wrangler");
  const directory = await mkdtemp(join(tmpdir(), "igpt-edge-"));
  try {
    const configPath = join(directory, "wrangler.json");
    const { compatibility_date } = readWranglerConfig();
    const d1_databases = [{ ...configuredDatabase(), remote: true }];
    await writeFile(configPath, JSON.stringify({ name: "igpt-edge-database", compatibility_date, d1_databases }));
    const proxy = await getPlatformProxy<{ DB: D1Database }>({ configPath, persist: false, remoteBindings: true });
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

async function pendingMigrations(db: D1Database): Promise<string[]> {
  const all = (await readdir(join(ROOT, "migrations"))).filter((name) => name.endsWith(".sql"));
  // wrangler's own table of what was applied.
  const table = await db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'd1_migrations'").first();
  if (!table) return all;
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  return all.filter((name) => !applied.has(name));
}
