import { createMiddleware } from "hono/factory";
import { clientAddress } from "../access/index.ts";
import { UserError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/** Seconds; the period of FLOOD_LIMITER in wrangler.toml. */
const PERIOD = 10;

/** Refuses floods from one address before they cost a look-up. Inexact by nature: the exact limits come after it. */
export const floodGuard = createMiddleware<AppEnv>(async (c, next) => {
  if (c.env.FLOOD_GUARD === "on") {
    const { success } = await c.env.FLOOD_LIMITER.limit({ key: clientAddress(c.req.raw) });
    if (!success) {
      c.header("Retry-After", String(PERIOD));
      return problem(c, new UserError("RATE_LIMITED", `Too many requests from your address: wait ${PERIOD} seconds.`));
    }
  }
  return next();
});
