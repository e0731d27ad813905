/** How far one arithmetic's distributions are from another's, over positions whose colours were forced. */

export interface Summary {
  positions: number;
  /** Mean nats of the forced colours under the reference. */
  referenceNats: number;
  /** By how much the other's mean is above that. */
  nats: number;
  /** Standard error of `nats` over the sequences that were added; NaN for a single one. */
  natsError: number;
  /** Mean KL divergence from the reference, in nats. */
  kl: number;
  /** Share of positions at which the same uniform number draws another colour. */
  differing: number;
  /** The most that the nats of one position differ by. */
  worst: number;
}

interface Sequence {
  positions: number;
  referenceNats: number;
  nats: number;
}

export class Difference {
  readonly #sequences = new Map<string, Sequence>();
  #kl = 0;
  #differing = 0;
  #worst = 0;

  /**
   * One position: logits [C] under the reference and under the other arithmetic, and the colour that was forced there.
   * @param sequence whose position it is, for the standard error
   */
  add(sequence: string, reference: Float32Array, other: Float32Array, color: number): void {
    const [p, q] = [distribution(reference), distribution(other)];
    const of = (d: Distribution) => -(d.logarithms[color] ?? Number.NaN);
    const sum = this.#sequences.get(sequence) ?? { positions: 0, referenceNats: 0, nats: 0 };
    sum.positions++;
    sum.referenceNats += of(p);
    sum.nats += of(q) - of(p);
    this.#sequences.set(sequence, sum);
    this.#kl += divergence(p, q);
    this.#differing += drawnApart(p, q);
    this.#worst = Math.max(this.#worst, Math.abs(of(q) - of(p)));
  }

  summary(): Summary {
    const sequences = [...this.#sequences.values()];
    const positions = sequences.reduce((sum, s) => sum + s.positions, 0);
    const nats = sequences.reduce((sum, s) => sum + s.nats, 0) / positions;
    const spread = sequences.reduce((sum, s) => sum + (s.nats / s.positions - nats) ** 2, 0);
    return {
      positions,
      referenceNats: sequences.reduce((sum, s) => sum + s.referenceNats, 0) / positions,
      nats,
      natsError: Math.sqrt(spread / (sequences.length - 1) / sequences.length),
      kl: this.#kl / positions,
      differing: this.#differing / positions,
      worst: this.#worst,
    };
  }
}

interface Distribution {
  probabilities: Float64Array;
  logarithms: Float64Array;
}

/** softmax, in double precision. */
function distribution(logits: Float32Array): Distribution {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) most = Math.max(most, logit);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  const logarithms = Float64Array.from(logits, (logit) => logit - most - Math.log(sum));
  return { probabilities: logarithms.map(Math.exp), logarithms };
}

/** KL(p || q) in nats. */
function divergence(p: Distribution, q: Distribution): number {
  return p.probabilities.reduce(
    (sum, probability, i) => sum + probability * ((p.logarithms[i] ?? 0) - (q.logarithms[i] ?? 0)),
    0,
  );
}

/**
 * The chance that a uniform number draws different colours from p and q: each colour has an interval of [0, 1), palette
 * order, and where the two intervals of a colour overlap both draw it. Exact, so no random numbers are needed.
 */
function drawnApart({ probabilities: p }: Distribution, { probabilities: q }: Distribution): number {
  let [same, endP, endQ] = [0, 0, 0];
  p.forEach((probability, i) => {
    const [startP, startQ] = [endP, endQ];
    endP += probability;
    endQ += q[i] ?? 0;
    same += Math.max(0, Math.min(endP, endQ) - Math.max(startP, startQ));
  });
  return 1 - same;
}
