import { UserError } from "../errors.ts";
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
export function route(model: Model, { execution, samples, keep }: CompletionSpec, facts: RouteFacts): Place {
  const fits = samples <= model.edgeSamples;
  if (execution === "ORIGIN" || (execution === "AUTO" && facts.origins)) {
    if (!facts.origins) {
      throw new UserError("ORIGIN_UNAVAILABLE", "No origin is configured here: use execution AUTO or EDGE.");
    }
    const cheap = fits && gigaMacs(model, keep, samples) <= facts.edgeBudget;
    return execution === "AUTO" && cheap ? "EDGE" : "ORIGIN";
  }
  if (fits) return "EDGE";
  const limit = model.edgeSamples === 0 ? "does not run it" : `runs up to ${model.edgeSamples} samples of it`;
  const advice = facts.origins
    ? "use execution AUTO or ORIGIN."
    : model.edgeSamples === 0
      ? "use a model whose edgeSamples is above 0."
      : "ask for fewer.";
  throw new UserError("JOB_TOO_LARGE", `${samples} samples of ${model.id} are too much: the edge ${limit}; ${advice}`);
}
