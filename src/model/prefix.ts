import type { Prefix, PrefixUse } from "./engine.ts";
import type { Session } from "./session.ts";

/** Runs given colours as a prefix, a chunk a turn. @returns the prefix, and if it is scored nats of each colour, [tokens.length]. */
export async function runPrefix(
  session: Session,
  tokens: Int32Array,
  use?: PrefixUse,
): Promise<{ prefix: Prefix; nll: Float32Array }> {
  const prefix = session.own(session.engine.openPrefix(use));
  const nll = new Float32Array(tokens.length);
  const positions = session.engine.turnPositions(0);
  for (let at = 0; at < tokens.length; at += positions) {
    const chunk = tokens.subarray(at, at + positions);
    nll.set(await session.turn(() => prefix.append(chunk)), at);
  }
  return { prefix, nll };
}
