import type { Sampling } from "../../src/model/engine.ts";

/**
 * The colour that the rule gives, computed plainly: softmax(logits / temperature) restricted by top-k, then top-p, then
 * the smallest i in palette order with cumsum(p)_i > u. Temperature above 0.
 * @param rounding how far off the logits may be
 * @returns undefined where logits that far off could give another colour
 */
export function expectedColor(
  logits: Float32Array,
  sampling: Sampling,
  u: number,
  rounding: number,
): number | undefined {
  const { temperature, topK, topP } = sampling;
  const warmed = Array.from(logits, (logit) => logit / temperature);
  const slack = (2 * rounding) / temperature;
  const order = warmed.map((_, i) => i).sort((a, b) => (warmed[b] ?? 0) - (warmed[a] ?? 0) || a - b);
  const at = (place: number) => warmed[order[place] ?? 0] ?? 0;
  const isBorder = (kept: number) => kept < order.length && at(kept - 1) - at(kept) < slack;

  const best = topK > 0 ? Math.min(topK, order.length) : order.length;
  if (isBorder(best)) return undefined;
  const likely = warmed.map((x) => Math.exp(x - at(0)));
  const total = order.slice(0, best).reduce((sum, i) => sum + (likely[i] ?? 0), 0);
  let kept = best;
  if (topP < 1) {
    let before = 0;
    kept = 0;
    while (kept < best && before < topP * total) {
      before += likely[order[kept] ?? 0] ?? 0;
      kept++;
      if (Math.abs(before / total - topP) < slack) return undefined;
    }
    if (isBorder(kept)) return undefined;
  }
  const allowed = new Set(order.slice(0, kept));
  const sum = [...allowed].reduce((all, i) => all + (likely[i] ?? 0), 0);
  let cumulative = 0;
  let last: number | undefined;
  for (const [i, weight] of likely.entries()) {
    if (!allowed.has(i)) continue;
    cumulative += weight / sum;
    last = i;
    const isLast = cumulative > 1 - 1e-12;
    if (!isLast && Math.abs(cumulative - u) < slack + 1e-6) return undefined;
    if (cumulative > u) return i;
  }
  return last;
}
