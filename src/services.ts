import { waitUntil } from "cloudflare:workers";
import { MemoryBudget } from "./admission/budget.ts";
import type { ImageContext } from "./image/index.ts";
import { engineFactory } from "./model/engines/index.ts";
import { ModelService } from "./model/service.ts";
import { dnsOverHttps } from "./net/resolver.ts";

/** What an isolate may hold of models, caches and decoded pictures; docs/memory.md says where the rest of 128 MB goes. */
const BUDGET_BYTES = 96 * 1024 * 1024;

/** What lives as long as the isolate, shared by its requests. */
export interface Services {
  models: ModelService;
  images: ImageContext;
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
  const budget = new MemoryBudget({ capacity: BUDGET_BYTES });
  return {
    models: new ModelService({ bucket: env.BUCKET, engine: () => engineFactory(env.ENGINE), budget, waitUntil }),
    images: {
      bucket: env.BUCKET,
      admission: budget,
      fetch: outside,
      resolver: dnsOverHttps(env.DNS_OVER_HTTPS, outside),
      allowLoopback: env.ALLOW_LOOPBACK_URLS === "on",
    },
  };
}
