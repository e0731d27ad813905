import type { Prefix, PrefixUse } from "./engine.ts";
import type { Run } from "./run.ts";

/** Runs given colours as a prefix, a chunk a turn. @returns the prefix, and if it is scored nats of each colour, [tokens.length]. */
export async function runPrefix(
  run: Run,
  tokens: Int32Array,
  use?: PrefixUse,
): Promise<{ prefix: Prefix; nll: Float32Array }> {
  const prefix = run.own(run.engine.openPrefix(use));
  const nll = new Float32Array(tokens.length);
  const positions = run.engine.turnPositions(0);
  for (let at = 0; at < tokens.length; at += positions) {
    const chunk = tokens.subarray(at, at + positions);
    nll.set(await run.turn(() => prefix.append(chunk)), at);
  }
  return { prefix, nll };
}
