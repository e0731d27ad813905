import type { YogaInitialContext } from "graphql-yoga";
import type { Access, KeyStore } from "../access/index.ts";
import type { Inference } from "../delegation/index.ts";
import type { Trace } from "../http/trace.ts";
import type { ImageContext } from "../image/index.ts";
import type { Jobs } from "../jobs/index.ts";
import type { ModelService } from "../model/service.ts";

/** What a request brings into Yoga. */
export interface ServerContext {
  env: Env;
  waitUntil: (work: Promise<unknown>) => void;
  models: ModelService;
  /** The models wherever they run. */
  inference: Inference;
  jobs: Jobs;
  images: ImageContext;
  /** What the caller may do and use. */
  access: Access;
  keys: KeyStore;
  /** For the request's log line. */
  trace: Trace;
}

/** What resolvers are given. */
export type RequestContext = ServerContext & YogaInitialContext;
