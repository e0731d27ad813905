import type { Context } from "hono";
import { decodeRequest, encodeResponse, type InferRequest } from "../../src/delegation/protocol/index.ts";
import type { Batched } from "../batching/batcher.ts";
import type { Bundle } from "../bundles/store.ts";
import type { GraphBatch } from "../graph/batch.ts";
import { readBatch, resultTensors } from "../graph/tensors.ts";
import { log } from "../log.ts";
import type { Serving } from "../serving.ts";
import { readBody } from "./body.ts";
import { findBundle } from "./models.ts";

/** Rows of one request: the most samples of a job. */
const MAX_ROWS = 256;

/** `POST /v2/models/{model}[/versions/{version}]/infer` */
export async function infer(c: Context, origin: Serving): Promise<Response> {
  const arrived = performance.now();
  const bundle = await findBundle(c, origin);
  const request = decodeRequest(c.req.raw.headers, await readBody(c.req.raw));
  const { architecture } = bundle.manifest;
  const batch = readBatch(request.inputs, architecture, MAX_ROWS);
  const batched = await origin.engines.batcher(bundle.manifest).submit(bundle, batch, c.req.raw.signal);
  const outputs = resultTensors(batched.result, batch, architecture);
  const wanted = request.outputs ? outputs.filter(({ name }) => request.outputs?.includes(name)) : outputs;
  report(origin, bundle, request, batch, batched, performance.now() - arrived);
  const { id: modelName, version: modelVersion } = bundle.manifest;
  const parameters = {
    ...origin.engines.facts(bundle.manifest),
    queue_ms: batched.queueMs,
    compute_ms: batched.computeMs,
  };
  const body = encodeResponse(
    { id: request.id, modelName, modelVersion, parameters, outputs: wanted },
    request.wantsBinary,
  );
  return c.body(body.bytes, 200, body.headers);
}

function report(
  origin: Serving,
  { manifest }: Bundle,
  { id }: InferRequest,
  { rows, generate, filter }: GraphBatch,
  { queueMs, computeMs }: Batched,
  totalMs: number,
): void {
  const facts = origin.engines.facts(manifest);
  origin.metrics.queueSeconds.observe({ ...facts }, queueMs / 1000);
  origin.metrics.requestSeconds.observe({ ...facts }, totalMs / 1000);
  const drawn = filter ? filter.candidates.reduce((sum, candidates) => sum + candidates, 0) : rows;
  origin.metrics.pixels.inc({ ...facts }, drawn * generate);
  const { id: model, version } = manifest;
  log("infer", { id, model, version, ...facts, rows, generate, queueMs, computeMs, totalMs });
}
