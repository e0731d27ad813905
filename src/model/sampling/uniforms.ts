import { philox4x32 } from "./philox.ts";

/** Upper 24 bits to [0, 1): a float32 holds 24 bits exactly, so every machine and engine sees the same number. */
const SCALE = 2 ** -24;

/**
 * The random number of one pixel of one sample, by (seed, sample, position) alone; of one of several candidates for a sample
 * by the candidate too, the first one's being the sample's own.
 * @param stream keeps numbers of another purpose apart from those of pixels, which are 0
 */
export function uniform(seed: number, sample: number, position: number, candidate = 0, stream = 0): number {
  const [word] = philox4x32([position, sample, candidate, stream], [seed, 0]);
  return (word >>> 8) * SCALE;
}

/** Those of `count` positions from `position` on, for samples `firstSample` .. + `samples`: [samples, count], row-major. */
export function uniforms(
  seed: number,
  firstSample: number,
  samples: number,
  position: number,
  count: number,
): Float32Array {
  const out = new Float32Array(samples * count);
  for (let b = 0; b < samples; b++) {
    for (let i = 0; i < count; i++) out[b * count + i] = uniform(seed, firstSample + b, position + i);
  }
  return out;
}
