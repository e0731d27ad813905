import { Hono } from "hono";
import { UserError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";

/** `/healthz`: the Worker answers. `/readyz`: the default model's manifest is readable. */
export const health = new Hono<AppEnv>()
  .get("/healthz", (c) => c.json({ status: "ok" }))
  .get("/readyz", async (c) => {
    try {
      const { id, version } = await c.var.services.models.model();
      return c.json({ status: "ready", model: id, version });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return c.json({ status: "not ready", code: error.code, message: error.message }, 503);
    }
  });
