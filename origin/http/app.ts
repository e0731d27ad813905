/** The origin's routes: the Open Inference Protocol, and `/metrics`. */

import { Hono } from "hono";
import { compress } from "hono/compress";
import { createMiddleware } from "hono/factory";
import { CANDIDATES } from "../../src/delegation/graph/index.ts";
import type { Serving } from "../serving.ts";
import { requireToken } from "./auth.ts";
import { answerError } from "./errors.ts";
import { infer } from "./infer.ts";
import { modelMetadata, modelReady } from "./models.ts";

const NAME = "igpt-edge reference origin";

export function createApp(origin: Serving): Hono {
  const app = new Hono();
  app.onError(answerError);
  app.notFound((c) => c.json({ error: `there is nothing at ${c.req.path}` }, 404));
  // Probes carry no token.
  app.get("/v2/health/live", (c) => c.json({ live: true }));
  app.get("/v2/health/ready", async (c) => {
    const ready = !origin.draining && (await origin.store.index()) !== null;
    return c.json({ ready }, ready ? 200 : 503);
  });
  app.use(requireToken(origin.config.token));
  app.get("/metrics", async (c) => {
    const { registry } = origin.metrics;
    return c.body(await registry.metrics(), 200, { "Content-Type": registry.contentType });
  });
  app.get("/v2", (c) => c.json({ name: NAME, version: "2", extensions: ["binary_tensor_data", CANDIDATES] }));
  for (const path of ["/v2/models/:model", "/v2/models/:model/versions/:version"]) {
    app.get(path, (c) => modelMetadata(c, origin));
    app.get(`${path}/ready`, (c) => modelReady(c, origin));
    app.post(`${path}/infer`, counted(origin), whileServing(origin), packed(), (c) => infer(c, origin));
  }
  return app;
}

function counted({ metrics }: Serving) {
  return createMiddleware(async (c, next) => {
    await next();
    const { model, version = "" } = c.req.param() as Record<string, string>;
    // A name that is not a model's would let anybody grow the metrics.
    const known = c.res.status === 404 ? "unknown" : (model ?? "");
    metrics.requests.inc({ model: known, version: known === "unknown" ? "" : version, status: c.res.status });
  });
}

/** A draining origin takes nothing new: another one, or this one after its restart, will. */
function whileServing(origin: Serving) {
  return createMiddleware(async (c, next) => {
    if (!origin.draining) return next();
    c.header("Retry-After", "2");
    c.header("Connection", "close");
    return c.json({ error: "the server is shutting down" }, 503);
  });
}

/** Answers are packed for who asks: most of an INT64 tensor's bytes are zeros. */
function packed() {
  return compress({ contentTypeFilter: /^application\/(json|octet-stream)/ });
}
