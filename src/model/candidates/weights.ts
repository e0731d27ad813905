/**
 * The arithmetic of a particle filter (Doucet and Johansen, "A tutorial on particle filtering and smoothing", 2009): weights
 * in nats, systematic resampling. Doubles in one order, so that every machine comes to the same candidates.
 */

/** Shares of the candidates, which sum to 1. @param nats [candidates] minus the logarithm of each weight */
export function shares(nats: Float64Array): Float64Array {
  const least = Math.min(...nats);
  const weights = nats.map((own) => Math.exp(least - own));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Effective sample size, 1 to the number of candidates: how many with equal shares would tell as much. */
export function effectiveSize(parts: Float64Array): number {
  return 1 / parts.reduce((sum, part) => sum + part ** 2, 0);
}

/**
 * Systematic resampling: candidate i appears floor(n share_i) or ceil(n share_i) times among n, n share_i in the mean.
 * @param u in [0, 1) @returns [n] indices, ascending
 */
export function systematic(parts: Float64Array, n: number, u: number): Int32Array {
  const ancestors = new Int32Array(n);
  let candidate = 0;
  let sum = parts[0] ?? 1;
  for (let slot = 0; slot < n; slot++) {
    const point = (slot + u) / n;
    while (sum <= point && candidate < parts.length - 1) sum += parts[++candidate] ?? 0;
    ancestors[slot] = candidate;
  }
  return ancestors;
}

/** One candidate by its share. @param u in [0, 1) */
export function pick(parts: Float64Array, u: number): number {
  let sum = 0;
  for (const [candidate, part] of parts.entries()) {
    sum += part;
    if (sum > u) return candidate;
  }
  // The shares sum to a little less than 1, and u is nearly 1: the last one that can be.
  return parts.findLastIndex((part) => part > 0);
}
