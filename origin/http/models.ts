import type { Context } from "hono";
import type { Bundle } from "../bundles/store.ts";
import { graphMetadata } from "../graph/tensors.ts";
import type { Serving } from "../serving.ts";
import { HttpError } from "./errors.ts";

/** The bundle that the path names. @throws HttpError 404 */
export async function findBundle(c: Context, { store }: Serving): Promise<Bundle> {
  const { model = "", version: asked } = c.req.param() as { model?: string; version?: string };
  const version = await store.version(model, asked);
  if (version) return store.open(model, version);
  throw new HttpError(404, `there is no model ${model}${asked === undefined ? "" : ` of version ${asked}`}`);
}

/** `GET /v2/models/{model}[/versions/{version}]` */
export async function modelMetadata(c: Context, origin: Serving): Promise<Response> {
  const { manifest } = await findBundle(c, origin);
  const index = await origin.store.index();
  return c.json({
    name: manifest.id,
    versions: index?.models[manifest.id]?.versions ?? [manifest.version],
    platform: "onnxruntime_onnx",
    ...graphMetadata(manifest.architecture),
    parameters: { ...origin.engines.facts(manifest) },
  });
}

/** `GET /v2/models/{model}[/versions/{version}]/ready`: its files are here and are what its manifest says. */
export async function modelReady(c: Context, origin: Serving): Promise<Response> {
  const { manifest } = await findBundle(c, origin);
  return c.json({ name: manifest.id, ready: !origin.draining }, origin.draining ? 503 : 200);
}
