import { waitUntil } from "cloudflare:workers";
import { MemoryBudget } from "./admission/budget.ts";
import { createInference, type Inference } from "./delegation/index.ts";
import { HotRenditions } from "./http/hot-renditions.ts";
import { currentTrace } from "./http/trace.ts";
import type { ImageContext } from "./image/index.ts";
import { engineFactory } from "./model/engines/index.ts";
import { ModelService } from "./model/service.ts";
import { dnsOverHttps } from "./net/resolver.ts";
import { LightWork } from "./scheduling/light-work.ts";
import { Presence } from "./scheduling/presence.ts";
import { Turns } from "./scheduling/turns.ts";

/**
 * What an isolate may hold of models, caches and decoded pictures: enough for iGPT-S with one sample (102.6 MiB).
 * docs/memory.md says where the rest of 128 MB goes.
 */
const BUDGET_BYTES = 103 * 1024 * 1024;
/** Of the rest: thumbnails that are asked for again and again. */
const HOT_RENDITIONS_BYTES = 1024 * 1024;

/** What lives as long as the isolate, shared by its requests. */
export interface Services {
  models: ModelService;
  /** The models at the edge and at the origins. */
  inference: Inference;
  images: ImageContext;
  /** What goes before any turn of the models and decoders. */
  light: LightWork;
  /** The requests that are here, by their traces. */
  presence: Presence;
  renditions: HotRenditions;
}

let services: Services | undefined;

/** The isolate's services; `env` is the same for all of its requests. */
export function servicesOf(env: Env): Services {
  services ??= build(env);
  return services;
}

/** The global fetch, callable as a method. */
const outside: typeof fetch = (input, init) => fetch(input, init);

function build(env: Env): Services {
  const budget = new MemoryBudget({ capacity: BUDGET_BYTES, onWait: (ms) => currentTrace()?.waited(ms) });
  const light = new LightWork();
  const presence = new Presence();
  const turns = new Turns({ light, isAlone: () => presence.isAlone(currentTrace()) });
  const engine = () => engineFactory(env.ENGINE);
  const models = new ModelService({ bucket: env.BUCKET, engine, budget, turns, waitUntil });
  return {
    models,
    light,
    presence,
    renditions: new HotRenditions(HOT_RENDITIONS_BYTES),
    inference: createInference(env, models, originFetch(env)),
    images: {
      bucket: env.BUCKET,
      admission: budget,
      turns,
      fetch: outside,
      resolver: dnsOverHttps(env.DNS_OVER_HTTPS, outside),
      allowLoopback: env.ALLOW_LOOPBACK_URLS === "on",
    },
  };
}

/** With the client certificate of the mTLS binding ORIGIN_MTLS, where one is configured. */
function originFetch(env: Env): typeof fetch {
  const { ORIGIN_MTLS: mtls } = env as { ORIGIN_MTLS?: Fetcher };
  return mtls ? (input, init) => mtls.fetch(input, init) : outside;
}
