/** A caller's options to a `CompletionSpec`: defaults filled in, everything that is out of range refused by name. */
import { UserError } from "../errors.ts";
import { hasGivenAfter } from "./candidates/steps.ts";
import type { Sampling } from "./engine.ts";
import type { CompletionOptions, CompletionSpec, Model } from "./types.ts";

/** The most samples of one request, wherever it runs. */
export const MAX_SAMPLES = 256;
/** The most candidates of one sample: what engines run at once. */
export const MAX_CANDIDATES = 32;
/** The most pictures of one `embedMany`. */
export const MAX_PICTURES = 64;

/** @throws UserError BAD_OPTION whose message says what is allowed. */
export function completionSpec(model: Model, samples: number, options?: CompletionOptions | null): CompletionSpec {
  const given = options ?? {};
  const { resolution, colors } = model;
  integer("samples", samples, 1, MAX_SAMPLES);
  const keep = keptPixels(given, resolution);
  const firstGenerated = keep.indexOf(false);
  const sampling = {
    temperature: temperature(given.temperature ?? 1),
    topK: given.topK == null ? 0 : topK(given.topK, colors),
    topP: given.topP == null ? 1 : topP(given.topP),
  };
  const candidates = usefulCandidates(given.candidates, keep, sampling);
  return {
    samples,
    seed: given.seed == null ? randomSeed() : integer("seed", given.seed, -(2 ** 31), 2 ** 31 - 1),
    sampling,
    ...(candidates > 1 ? { candidates } : {}),
    execution: given.execution ?? "AUTO",
    keep,
    keepRows: Math.floor(firstGenerated / resolution),
  };
}

/** What a completion takes of a quota: pixels that are drawn, of all samples and all their candidates. */
export function generatedPixels({ samples, candidates = 1, keep }: CompletionSpec): number {
  return samples * candidates * keep.filter((given) => !given).length;
}

/** The layer whose features are asked for. @throws UserError BAD_OPTION */
export function featureLayer(model: Model, layer?: number | null): number {
  return layer == null ? model.embeddingLayer : integer("layer", layer, 0, model.layers);
}

function keptPixels({ keep, keepRows }: CompletionOptions, resolution: number): readonly boolean[] {
  const pixels = resolution ** 2;
  if (keep == null) {
    const rows = keepRows == null ? Math.floor(resolution / 2) : integer("keepRows", keepRows, 0, resolution - 1);
    return Array.from({ length: pixels }, (_, pixel) => pixel < rows * resolution);
  }
  if (keepRows != null) throw bad("Give keepRows or keep, not both.");
  if (keep.length !== pixels)
    throw bad(`keep must have exactly ${pixels} flags, one for each pixel; it has ${keep.length}.`);
  if (!keep.includes(false))
    throw bad("keep must leave at least one pixel to be generated: not all flags may be true.");
  return keep;
}

/** 1 where more would be alike: nothing given comes after a generated pixel, or there is but one way to draw. */
function usefulCandidates(
  wanted: number | null | undefined,
  keep: readonly boolean[],
  { temperature, topK }: Sampling,
): number {
  const candidates = wanted == null ? 1 : integer("candidates", wanted, 1, MAX_CANDIDATES);
  return hasGivenAfter(keep) && temperature > 0 && topK !== 1 ? candidates : 1;
}

function integer(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw bad(`${name} must be an integer from ${least} to ${most}.`);
}

function temperature(value: number): number {
  // The engine divides in float32: what is too large or too small for it is no temperature either.
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded) && value >= 0 && (rounded > 0 || value === 0)) return rounded;
  throw bad(
    "temperature must be 0 (always the likeliest colour) or a positive number up to 3.4e38; 0.7 to 1.3 is usual.",
  );
}

function topK(value: number, colors: number): number {
  if (value === 0) throw bad(`topK must be an integer from 1 to ${colors}; omit it to switch it off.`);
  return integer("topK", value, 1, colors);
}

function topP(value: number): number {
  const rounded = Math.fround(value);
  if (value <= 1 && rounded > 0) return rounded;
  throw bad("topP must be greater than 0 and at most 1; 1, or omitting it, switches it off.");
}

function randomSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Int32Array(1));
  return seed;
}

function bad(message: string): UserError {
  return new UserError("BAD_OPTION", message);
}
