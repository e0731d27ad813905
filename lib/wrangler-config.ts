import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { ROOT } from "./root.ts";

/** What the commands need of `wrangler.toml`. wrangler reads it too, but takes more than a second to load. */
export interface WranglerConfig {
  compatibility_date: string;
  d1_databases: { binding: string; database_name: string; database_id: string; preview_database_id?: string }[];
}

/** @throws Error where `wrangler.toml` is no TOML */
export function readWranglerConfig(): WranglerConfig {
  // wrangler checks it whenever the Worker is built.
  return parse(readFileSync(join(ROOT, "wrangler.toml"), "utf8")) as unknown as WranglerConfig;
}

/** The Worker's only D1 database. @throws Error where there is none */
export function configuredDatabase(): WranglerConfig["d1_databases"][number] {
  const [database] = readWranglerConfig().d1_databases ?? [];
  if (!database) throw new Error("wrangler.toml has no D1 database.");
  return database;
}
