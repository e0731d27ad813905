import type { CompletionStatus } from "../../build/graphql-types.ts";
import type { PlacedResult } from "../delegation/index.ts";
import { fromTokens, type Palette } from "../image/index.ts";
import type { CompletionProgress, CompletionSpec, Model } from "../model/types.ts";
import type { CompletionParent, ImageParent, ProgressParent } from "./parents.ts";
import type { ModelInput } from "./read-tokens.ts";

/** A completion that runs in this request, from its acceptance to its end. */
export interface LiveCompletion {
  id: string;
  createdAt: string;
  model: Model;
  spec: CompletionSpec;
  input: ModelInput;
}

export function succeeded(live: LiveCompletion, result: PlacedResult): CompletionParent {
  const { id, createdAt, model, spec, input } = live;
  return {
    id,
    createdAt,
    model,
    status: "SUCCEEDED",
    seed: spec.seed,
    keepRows: spec.keepRows,
    ranOn: result.ranOn,
    engine: result.engine,
    input: image(input.tokens, input.palette),
    samples: result.samples.map(({ index, tokens, nllPerPixel }) => ({
      index,
      nllPerPixel,
      image: image(tokens, input.palette),
    })),
    error: null,
    retrying: null,
    finishedAt: new Date().toISOString(),
  };
}

export function progress(
  { id, input: { palette } }: LiveCompletion,
  { rowsDone, rowsTotal, samples }: CompletionProgress,
  status: CompletionStatus,
  completion: CompletionParent | null = null,
): ProgressParent {
  return {
    id,
    status,
    rowsDone,
    rowsTotal,
    retrying: null,
    samples: samples.map((tokens, index) => ({ index, tokens, palette })),
    completion,
  };
}

export function image(tokens: Int32Array, palette: Palette): ImageParent {
  return { tokens, picture: fromTokens(tokens, palette) };
}
