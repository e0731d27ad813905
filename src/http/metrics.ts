import type { Trace } from "./trace.ts";

/** Routes that there are; anything else is one value, so that a scan cannot flood the data set. */
const ROUTES = new Set(["/", "/graphql", "/thumbnails", "/healthz", "/readyz"]);

/**
 * One Analytics Engine data point a request; docs/operations.md has queries.
 * index1: the key's id or "anonymous".
 * blob1..8: route, method, operation, first error code, model, engine, where it ran, request id.
 * double1..8: status, milliseconds, of them access, body, picture, work; generated pixels; milliseconds in the queue for memory.
 */
export function writeMetrics(
  dataset: AnalyticsEngineDataset | undefined,
  { method, route, status }: { method: string; route: string; status: number },
  trace: Trace,
): void {
  const { stages } = trace;
  const [code = ""] = trace.codes;
  dataset?.writeDataPoint({
    indexes: [trace.keyId ?? "anonymous"],
    blobs: [
      ROUTES.has(route) ? route : "other",
      method,
      trace.operationName,
      code,
      trace.model ?? "",
      trace.engine ?? "",
      trace.ranOn ?? "",
      trace.requestId,
    ],
    doubles: [
      status,
      trace.elapsed(),
      stages.access ?? 0,
      stages.body ?? 0,
      stages.picture ?? 0,
      stages.work ?? 0,
      trace.pixels,
      stages.queue ?? 0,
    ],
  });
}
