import { join } from "node:path";
import { ROOT } from "./root.ts";

/** Where the bucket, the database and the Durable Objects of `npm run dev` lie; IGPT_EDGE_STATE names another folder. */
export const STATE = process.env.IGPT_EDGE_STATE ?? join(ROOT, ".wrangler/state");
