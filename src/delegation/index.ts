/** Where work runs, and the origins that do what the edge does not: the whole surface of this folder to the others. */
import type { ModelService } from "../model/service.ts";
import { Inference } from "./inference.ts";
import { Origin } from "./origin.ts";
import { OriginPool } from "./pool.ts";
import { type OriginEnv, readOrigins } from "./settings.ts";

export { explain, OriginFault, remedy } from "./fault.ts";
export type { SampleRange } from "./graph/index.ts";
export { enginesOf, Inference, PartialPictures, type PlacedResult, ranges } from "./inference.ts";
export type { Place } from "./route.ts";

/** Beside the origins themselves: variables of wrangler.toml. */
export interface DelegationEnv extends OriginEnv {
  /** Thousands of millions of multiplications. */
  EDGE_BUDGET_GIGAMACS: string;
  ORIGIN_WAIT_SECONDS: string;
}

/** @param fetcher how origins are reached: `fetch`, or that of an mTLS binding */
export function createInference(env: DelegationEnv, models: ModelService, fetcher: typeof fetch): Inference {
  let pool: OriginPool | undefined;
  return new Inference({
    models,
    origins: () => (pool ??= new OriginPool(readOrigins(env).map((settings) => new Origin(settings, fetcher)))),
    edgeBudget: positive("EDGE_BUDGET_GIGAMACS", env.EDGE_BUDGET_GIGAMACS),
    originWaitMs: positive("ORIGIN_WAIT_SECONDS", env.ORIGIN_WAIT_SECONDS) * 1000,
  });
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`${name} is ${JSON.stringify(text)}: it must be a number above 0`);
}
