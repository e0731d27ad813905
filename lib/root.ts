import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The models that come with the project, laid out like the bucket. */
export const ASSETS = join(ROOT, "r2-assets");
