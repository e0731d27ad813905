/** The controls' values as the variables of a request: what is default is left out. */
import type { CompleteOptions, CompleteVariables } from "../api/types.ts";
import { toDataUri } from "../picture/picture.ts";
import { candidatesNow, keepRows, mask, modelId, region, samples, temperature, topK, topP } from "./settings.ts";
import { source } from "./source.ts";

/** Why there is nothing to complete yet, or "". */
export function whatIsMissing(): string {
  if (region.value === "mask" && !mask.value.includes(true)) return "First paint over the part to redo.";
  return "";
}

export function completeVariables(seed: number | null, count = samples.value): CompleteVariables {
  const options: CompleteOptions =
    region.value === "line" ? { keepRows: keepRows.value } : { keep: mask.value.map((redo) => !redo) };
  if (modelId.value !== null) options.model = modelId.value;
  if (temperature.value !== 1) options.temperature = temperature.value;
  if (topK.value > 0) options.topK = topK.value;
  if (topP.value < 1) options.topP = topP.value;
  if (candidatesNow.value > 1) options.candidates = candidatesNow.value;
  if (seed !== null) options.seed = seed;
  return { image: { base64: toDataUri(source.value.picture) }, samples: count, options };
}
