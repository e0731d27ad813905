import { runPrefix } from "./prefix.ts";
import type { Session } from "./session.ts";
import type { Embedding } from "./types.ts";

/** Mean over all positions of norm(h_layer) (iGPT paper, section 3.3). @param tokens [pixels] @returns vector [width] */
export async function embed(session: Session, tokens: Int32Array, layer: number): Promise<Embedding> {
  const { prefix } = await runPrefix(session, tokens, { layers: layer, scored: false });
  const { width } = session.engine.shape;
  const vector = prefix.features().slice(layer * width, (layer + 1) * width);
  prefix.release();
  return { layer, vector };
}
