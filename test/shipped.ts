import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/root.ts";

const index = JSON.parse(readFileSync(join(ROOT, "r2-assets/models/index.json"), "utf8")) as {
  default: string;
  models: Record<string, { version: string } | undefined>;
};

/** The model that the project ships, and its current version: another one with each that is published. */
export const SHIPPED = { id: index.default, version: index.models[index.default]?.version ?? "" };
