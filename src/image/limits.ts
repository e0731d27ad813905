import type { ImageLimits } from "./types.ts";

/** Of pictures that come in; docs/images.md says how they were measured. */
export const DEFAULT_LIMITS: ImageLimits = {
  maxBytes: 20_000_000,
  fetchTimeoutMs: 10_000,
  maxRedirects: 5,
};

/** No side may be longer: JPEG's own limit, and far past every camera's. */
export const MAX_SIDE = 65_535;

/**
 * The most memory that decoding one picture may take. An isolate has 128 MB and the model keeps 40-60 of them; what a
 * picture really takes is asked of Admission.
 */
export const MAX_DECODE_BYTES = 52 * 2 ** 20;
