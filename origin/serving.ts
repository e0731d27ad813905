import type { BundleStore } from "./bundles/store.ts";
import type { OriginConfig } from "./config.ts";
import type { Engines } from "./engines.ts";
import type { Metrics } from "./metrics.ts";

/** What the routes see of a running origin. */
export interface Serving {
  readonly config: OriginConfig;
  readonly store: BundleStore;
  readonly engines: Engines;
  readonly metrics: Metrics;
  /** It is to end: nothing new is taken. */
  readonly draining: boolean;
}
