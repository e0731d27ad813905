import { runPrefix } from "./prefix.ts";
import type { Session } from "./session.ts";
import type { Likelihood } from "./types.ts";

/** -ln p of each pixel given those before it, under the model's own distribution. @param tokens [pixels] */
export async function likelihood(session: Session, tokens: Int32Array): Promise<Likelihood> {
  const { prefix, nll } = await runPrefix(session, tokens);
  prefix.release();
  let sum = 0;
  for (const nats of nll) sum += nats;
  const nllPerPixel = sum / nll.length;
  return { nllPerPixel, bitsPerPixel: nllPerPixel / Math.LN2, perPixel: nll };
}
