import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Services } from "../services.ts";
import type { AppEnv } from "./app-env.ts";
import { log } from "./log.ts";
import { writeMetrics } from "./metrics.ts";
import { Trace, traced } from "./trace.ts";

/** What may be taken over from a caller's `x-request-id`: nothing that could forge a header or a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** Gives each request an id, that is in its response and its log lines, and reports on it at its end. */
export const requestScope = createMiddleware<AppEnv>(async (c, next) => {
  const wanted = c.req.header("x-request-id") ?? "";
  const trace = new Trace(REQUEST_ID.test(wanted) ? wanted : crypto.randomUUID());
  c.set("trace", trace);
  await traced(trace, next);
  c.header("x-request-id", trace.requestId);
  const end = () => {
    (c.get("services") as Services | undefined)?.presence.leave(trace);
    traced(trace, () => report(c, trace));
  };
  const stream = c.res.headers.get("content-type")?.startsWith("text/event-stream") ? c.res.body : null;
  if (stream) c.res = new Response(whenEnded(stream, trace, end), c.res);
  else end();
});

/** One log line and one data point. */
function report(c: Context<AppEnv>, trace: Trace): void {
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
}

/** The same stream, read under its trace; `end` is called once, when it has been sent or its reader has left. */
function whenEnded(stream: ReadableStream<Uint8Array>, trace: Trace, end: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await traced(trace, () => reader.read());
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    },
    async cancel(reason) {
      await reader.cancel(reason);
      end();
    },
  });
}
