import type { YogaInitialContext } from "graphql-yoga";
import type { ImageContext } from "../image/index.ts";
import type { ModelService } from "../model/service.ts";

/** What a request brings into Yoga. */
export interface ServerContext {
  env: Env;
  waitUntil: (work: Promise<unknown>) => void;
  models: ModelService;
  images: ImageContext;
}

/** What resolvers are given. */
export type RequestContext = ServerContext & YogaInitialContext;
