import type { Services } from "../services.ts";
import type { Trace } from "./trace.ts";

/** Hono's types for this Worker. */
export interface AppEnv {
  Bindings: Env;
  Variables: { services: Services; trace: Trace };
}
