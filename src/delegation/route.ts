import { UserError } from "../errors.ts";
import { edgeLimit, edgeSamplesOf } from "../model/edge-plan.ts";
import type { CompletionSpec, Model } from "../model/types.ts";
import { gigaMacs } from "./cost.ts";

export type Place = "EDGE" | "ORIGIN";

export interface RouteFacts {
  /** Whether any origin is configured. */
  origins: boolean;
  /** What a completion may cost at the edge when the choice is ours, in thousands of millions of multiplications. */
  edgeBudget: number;
}

/**
 * Where a completion runs. AUTO is the edge for what it can hold and has the time for, when there is the choice.
 * @throws UserError ORIGIN_UNAVAILABLE (the origin is wanted and there is none), JOB_TOO_LARGE (the edge cannot)
 */
export function route(model: Model, spec: CompletionSpec, facts: RouteFacts): Place {
  const { execution, samples } = spec;
  const fits = samples <= edgeSamplesOf(model, spec);
  if (execution === "ORIGIN" || (execution === "AUTO" && facts.origins)) {
    if (!facts.origins) {
      throw new UserError("ORIGIN_UNAVAILABLE", "No origin is configured here: use execution AUTO or EDGE.");
    }
    const cheap = fits && gigaMacs(model, spec) <= facts.edgeBudget;
    return execution === "AUTO" && cheap ? "EDGE" : "ORIGIN";
  }
  if (fits) return "EDGE";
  const advice = facts.origins ? "use execution AUTO or ORIGIN" : "ask for fewer";
  if (model.edgeSamples > 0) throw new UserError("JOB_TOO_LARGE", `${edgeLimit(model, spec)}: ${advice}.`);
  const other = facts.origins ? advice : "use a model whose edgeSamples is above 0";
  throw new UserError("JOB_TOO_LARGE", `${model.id} is too large for the edge: ${other}.`);
}
