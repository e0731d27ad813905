import type { Services } from "../services.ts";

/** Hono's types for this Worker. */
export interface AppEnv {
  Bindings: Env;
  Variables: { services: Services };
}
