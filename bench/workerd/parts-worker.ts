/**
 * What a whole request is made of, piece by piece, with the product's own code in a Worker: the model's work alone, the same
 * in turns behind the model's service, and the decoding of the picture.
 */
import { waitUntil } from "cloudflare:workers";
import { MemoryBudget } from "../../src/admission/budget.ts";
import { decodePicture } from "../../src/image/decode/index.ts";
import { flatPalette, toTokens } from "../../src/image/index.ts";
import { ModelRepository } from "../../src/model/bundle/repository.ts";
import { complete } from "../../src/model/complete.ts";
import { embed } from "../../src/model/embed.ts";
import type { Engine } from "../../src/model/engine.ts";
import { factory } from "../../src/model/engines/kernel/factory.ts";
import { likelihood } from "../../src/model/likelihood.ts";
import { ModelService } from "../../src/model/service.ts";
import { SoloSession } from "../../src/model/session.ts";
import type { Model } from "../../src/model/types.ts";
import { Turns } from "../../src/scheduling/turns.ts";

export interface Operation {
  model: string;
  /** Samples of half a picture, or what is read of a whole one. */
  what: number | "embed" | "likelihood";
}

const CAPACITY = 103 * 2 ** 20;
const engines = new Map<string, Engine>();
let parts: ReturnType<typeof build> | undefined;

export default {
  async fetch(request: Request, env: { BUCKET: R2Bucket }): Promise<Response> {
    parts ??= build(env.BUCKET);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/decode") {
      const file = new Uint8Array(await request.arrayBuffer());
      const { manifest, resolution } = await parts.service.model(searchParams.get("model"));
      const picture = await decodePicture(file, resolution, { admission: parts.budget, turns: parts.turns });
      return Response.json(toTokens(picture, flatPalette(manifest.palette)).length);
    }
    if (pathname === "/nothing") return Response.json(null);
    const operation = (await request.json()) as Operation;
    const model = await parts.service.model(operation.model);
    const tokens = Int32Array.from(
      { length: model.resolution ** 2 },
      (_, i) => (i * 7919 + (i >> 5) * 31) % model.colors,
    );
    if (pathname === "/model") await alone(model, operation, tokens, parts.repository);
    else await served(model, operation, tokens, parts.service);
    return Response.json(null);
  },
};

function build(bucket: R2Bucket) {
  const budget = new MemoryBudget({ capacity: CAPACITY });
  const turns = new Turns({ isAlone: () => true });
  const service = new ModelService({ bucket, engine: async () => factory, budget, turns, waitUntil });
  return { budget, turns, service, repository: new ModelRepository(bucket) };
}

/** Without turns, admission or a service. */
async function alone(
  model: Model,
  { what }: Operation,
  tokens: Int32Array,
  repository: ModelRepository,
): Promise<void> {
  let engine = engines.get(model.id);
  if (!engine) {
    engine = await factory.load(model.manifest, repository.files(model.manifest));
    engines.set(model.id, engine);
  }
  const session = new SoloSession(engine);
  if (what === "embed") await embed(session, tokens, model.embeddingLayer);
  else if (what === "likelihood") await likelihood(session, tokens);
  else {
    const spec = half(model, what);
    for await (const _ of complete(session, spec, tokens, what, model.manifest.palette));
  }
  session.release();
}

async function served(model: Model, { what }: Operation, tokens: Int32Array, service: ModelService): Promise<void> {
  if (what === "embed") await service.embed(model, tokens);
  else if (what === "likelihood") await service.likelihood(model, tokens);
  else await service.completed(model, tokens, half(model, what));
}

function half(model: Model, samples: number) {
  const { resolution } = model;
  return {
    ...{ samples, seed: 1, execution: "EDGE" as const, keepRows: resolution / 2 },
    sampling: { temperature: 1, topK: 0, topP: 1 },
    keep: Array.from({ length: resolution ** 2 }, (_, pixel) => pixel < resolution ** 2 / 2),
  };
}
