import type { Row, RowResult } from "../engine.ts";
import { uniform } from "../sampling/uniforms.ts";
import { Lineage } from "./lineage.ts";
import { Outlook, type Palette } from "./outlook.ts";
import { type Step, stepsOf, weighedEnd } from "./steps.ts";
import { effectiveSize, pick, shares, systematic } from "./weights.ts";

/** Word of the counter that keeps the filter's own random numbers apart from those of pixels. */
const FILTER_STREAM = 1;

/** What decides one sample's candidates. */
export interface FilterOptions {
  candidates: number;
  seed: number;
  /** The sample's index. */
  sample: number;
  keep: readonly boolean[];
  /** Pixels a side. */
  side: number;
  /** [pixels] palette indices of the whole picture. */
  tokens: Int32Array;
  palette: Palette;
}

/**
 * A particle filter (sequential Monte Carlo; Gordon et al. 1993, Doucet and Johansen 2009) for one sample of a picture with
 * given pixels after generated ones. Candidates are drawn as without it; each is weighed by how likely the given pixels
 * that follow are to the model; where few candidates carry most of the weight, the likely ones are multiplied and the
 * unlikely ones dropped; at the end one is drawn by its weight. With ever more candidates that one comes from the model's
 * distribution of the generated pixels given all given ones (down to a few rows below the last generated one).
 *
 * It knows no engine: who drives it runs `row`s, hands their results to `take` and obeys `weigh`.
 */
export class CandidateFilter {
  readonly steps: readonly Step[];
  readonly #options: FilterOptions;
  readonly #lineage: Lineage;
  /** [candidates] pictures, -1 = not yet. */
  #tokens: Int32Array[];
  /** [candidates] minus the logarithm of the weight, since the last resampling. */
  #nats: Float64Array;
  /** [candidates][pixels] nats of what `take` took in. */
  #nll: Float32Array[];
  /** The likeliest picture when they were last weighed. */
  #leading: Int32Array;
  readonly #outlook: Outlook;

  constructor(options: FilterOptions) {
    const { candidates, keep, side, tokens, palette } = options;
    this.#options = options;
    this.steps = stepsOf(keep, side);
    const given = tokens.map((token, pixel) => (keep[pixel] ? token : -1));
    this.#tokens = Array.from({ length: candidates }, () => given.slice());
    this.#leading = given;
    this.#outlook = new Outlook(palette, keep, tokens, side, weighedEnd(keep, side));
    this.#nats = new Float64Array(candidates);
    this.#nll = Array.from({ length: candidates }, () => new Float32Array(keep.length));
    this.#lineage = new Lineage(candidates, keep.indexOf(false), keep.length);
  }

  /** What is to be run next, for all candidates: `length` positions from `position` on. */
  row(position: number, length: number): Row {
    const { candidates, seed, sample } = this.#options;
    const forced = new Int32Array(candidates * length);
    const uniforms = new Float32Array(candidates * length);
    for (let c = 0; c < candidates; c++) {
      for (let i = 0; i < length; i++) {
        const place = c * length + i;
        forced[place] = this.#givenAt(position + i) ?? -1;
        uniforms[place] = uniform(seed, sample, position + i, c);
      }
    }
    return { forced, uniforms };
  }

  /** Takes in what came of `row`. */
  take(position: number, length: number, { tokens, nll }: RowResult): void {
    this.#lineage.advance(position + length);
    for (const [c, picture] of this.#tokens.entries()) {
      picture.set(tokens.subarray(c * length, (c + 1) * length), position);
      const own = nll.subarray(c * length, (c + 1) * length);
      this.#nll[c]?.set(own, position);
      for (const [i, nats] of own.entries()) {
        if (this.#options.keep[position + i]) this.#nats[c] = (this.#nats[c] ?? 0) + nats;
      }
    }
  }

  /**
   * To be called between two steps.
   * @param next the step that follows
   * @returns [candidates] whose copy each candidate is from now on; undefined when all stay as they are
   */
  weigh(next: Step): Int32Array | undefined {
    const { seed, sample } = this.#options;
    const candidates = this.#nats.length;
    const guesses = this.#tokens.map((picture) => this.#outlook.nats(picture, next.start));
    const parts = shares(this.#nats.map((nats, c) => nats + (guesses[c] ?? 0)));
    this.#leading = this.#tokens[parts.indexOf(Math.max(...parts))]?.slice() ?? this.#leading;
    // Copies are worth it as long as they can go on differently.
    const uneven = next.generates && effectiveSize(parts) < candidates / 2;
    if (!uneven && this.#lineage.allows(next.end)) return undefined;
    const u = uniform(seed, sample, next.start, 0, FILTER_STREAM);
    let survivors = uneven ? candidates : Math.ceil(candidates / 2);
    let ancestors = spread(systematic(parts, survivors, u), candidates);
    while (survivors > 1 && !this.#lineage.allows(next.end, ancestors)) {
      survivors = Math.ceil(survivors / 2);
      ancestors = spread(systematic(parts, survivors, u), candidates);
    }
    this.#tokens = Array.from(ancestors, (ancestor) => (this.#tokens[ancestor] as Int32Array).slice());
    this.#nll = Array.from(ancestors, (ancestor) => (this.#nll[ancestor] as Float32Array).slice());
    // The guess has had its say: what comes of it is for the model to weigh.
    this.#nats = copiesNats(candidates, survivors).map((nats, c) => nats - (guesses[ancestors[c] ?? 0] ?? 0));
    this.#lineage.resample(ancestors);
    return ancestors;
  }

  get candidates(): number {
    return this.#options.candidates;
  }

  /** [candidates] pictures, drawn as far as `take` has come. */
  get pictures(): readonly Int32Array[] {
    return this.#tokens;
  }

  /** Blocks that candidates hold now, see lineage.ts. */
  get blocks(): number {
    return this.#lineage.held;
  }

  /** The likeliest picture at the last weighing; -1 = not yet. */
  get leading(): Int32Array {
    return this.#leading;
  }

  /** The sample, once all steps are done: its picture, nats [pixels] of what was run, and those of generated pixels summed. */
  finished(): { tokens: Int32Array; nll: Float32Array; nats: number } {
    const { seed, sample, keep, tokens } = this.#options;
    const chosen = pick(shares(this.#nats), uniform(seed, sample, keep.length, 0, FILTER_STREAM));
    const picture = this.#tokens[chosen];
    const nll = this.#nll[chosen] ?? new Float32Array();
    return {
      // Given pixels below what is weighed are in no candidate.
      tokens: tokens.map((given, pixel) => (keep[pixel] ? given : (picture?.[pixel] ?? given))),
      nll,
      nats: nll.reduce((sum, nats, pixel) => (keep[pixel] ? sum : sum + nats), 0),
    };
  }

  #givenAt(position: number): number | undefined {
    return this.#options.keep[position] ? this.#options.tokens[position] : undefined;
  }
}

/** [candidates] each survivor's copies, as even in number as can be. */
function spread(survivors: Int32Array, candidates: number): Int32Array {
  return Int32Array.from({ length: candidates }, (_, c) => survivors[slotOf(c, survivors.length, candidates)] ?? 0);
}

/** [candidates] Survivors count alike: where one has more copies than another, each copy counts less. */
function copiesNats(candidates: number, survivors: number): Float64Array {
  const copies = new Float64Array(survivors);
  for (let c = 0; c < candidates; c++) {
    const slot = slotOf(c, survivors, candidates);
    copies[slot] = (copies[slot] ?? 0) + 1;
  }
  return Float64Array.from({ length: candidates }, (_, c) => Math.log(copies[slotOf(c, survivors, candidates)] ?? 1));
}

function slotOf(candidate: number, survivors: number, candidates: number): number {
  return Math.floor((candidate * survivors) / candidates);
}
