import { PREFIX_CHUNK, type Prefix } from "./engine.ts";
import type { Run } from "./run.ts";

/** Runs given colours as a prefix, a chunk a turn. @returns the prefix, and nats of each colour, [tokens.length]. */
export async function runPrefix(run: Run, tokens: Int32Array): Promise<{ prefix: Prefix; nll: Float32Array }> {
  const prefix = run.own(run.engine.openPrefix());
  const nll = new Float32Array(tokens.length);
  for (let at = 0; at < tokens.length; at += PREFIX_CHUNK) {
    const chunk = tokens.subarray(at, at + PREFIX_CHUNK);
    nll.set(await run.turn(() => prefix.append(chunk)), at);
  }
  return { prefix, nll };
}
