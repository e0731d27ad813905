import { runPrefix } from "./prefix.ts";
import type { Run } from "./run.ts";
import type { Likelihood } from "./types.ts";

/** -ln p of each pixel given those before it, under the model's own distribution. @param tokens [pixels] */
export async function likelihood(run: Run, tokens: Int32Array): Promise<Likelihood> {
  const { prefix, nll } = await runPrefix(run, tokens);
  prefix.release();
  let sum = 0;
  for (const nats of nll) sum += nats;
  const nllPerPixel = sum / nll.length;
  return { nllPerPixel, bitsPerPixel: nllPerPixel / Math.LN2, perPixel: nll };
}
