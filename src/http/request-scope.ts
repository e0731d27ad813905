import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./app-env.ts";
import { log } from "./log.ts";
import { writeMetrics } from "./metrics.ts";
import { Trace, traced } from "./trace.ts";

/** What may be taken over from a caller's `x-request-id`: nothing that could forge a header or a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** Gives each request an id, that is in its response and its log lines, and writes one line and one data point at its end. */
export const requestScope = createMiddleware<AppEnv>(async (c, next) => {
  const wanted = c.req.header("x-request-id") ?? "";
  const trace = new Trace(REQUEST_ID.test(wanted) ? wanted : crypto.randomUUID());
  c.set("trace", trace);
  await traced(trace, async () => {
    await next();
    c.header("x-request-id", trace.requestId);
    // The path alone: a query string may hold a signature or an operation's variables.
    const { method, path } = c.req;
    const route = path.startsWith("/thumbnails/") ? "/thumbnails" : path;
    const { status } = c.res;
    const { operationName, keyId, model, engine, ranOn, pixels, stages } = trace;
    log(status >= 500 ? "error" : "info", "request", {
      method,
      route: route.slice(0, 100),
      status,
      ms: trace.elapsed(),
      stages,
      operation: operationName || undefined,
      codes: trace.codes.size > 0 ? [...trace.codes] : undefined,
      keyId: keyId ?? undefined,
      model: model ?? undefined,
      engine: engine ?? undefined,
      ranOn: ranOn ?? undefined,
      pixels: pixels || undefined,
    });
    writeMetrics(c.env.METRICS, { method, route, status }, trace);
  });
});
