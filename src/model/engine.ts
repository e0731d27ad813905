/**
 * What runs a model. An engine knows tensors and positions; it knows no R2, no pictures and no GraphQL.
 *
 * Positions: the model's input at position t is the start vector for t = 0 and the colour x_(t-1) after that; its logits
 * there are the distribution of x_t. A prefix of P given colours therefore runs positions 0 .. P-1 and leaves x_(P-1) to
 * be the first input of the generation. P = 0 is valid.
 */

/** The architecture of an image GPT (iGPT paper, section 3; GPT-2 decoder without dropout). */
export interface ModelShape {
  layers: number;
  /** d, the model's width. */
  width: number;
  heads: number;
  /** Context length: pixels of a picture. */
  positions: number;
  /** Palette size. */
  colors: number;
}

export interface Sampling {
  /** Logits are divided by it; 0 = always the likeliest colour (the first one, among equals). */
  temperature: number;
  /** Only the k likeliest colours; 0 = off. */
  topK: number;
  /** Only the smallest set of likeliest colours whose probabilities reach topP; 1 = off. Applied after topK. */
  topP: number;
}

/** What a prefix is for, so that an engine may leave out the rest. */
export interface PrefixUse {
  /** Blocks to run: its features are those of the layers up to this one, and nothing continues it. Default: all of them. */
  layers?: number;
  /** Whether `append` returns nats, for which all blocks must be run. Default true. */
  scored?: boolean;
}

/** The given pixels: their keys and values are computed once and shared by all samples. */
export interface Prefix {
  /** Positions run so far. */
  readonly length: number;
  /**
   * Runs the next given colours (palette indices). Cut the picture into chunks from position 0 in the same way every
   * time (PREFIX_CHUNK): the chunk borders are part of what makes results repeatable.
   * @returns nats of each of them, [tokens.length], under the model's own distribution; [0] if it is not scored and the engine left them out
   */
  append(tokens: Int32Array): Promise<Float32Array>;
  /**
   * Mean over the positions so far of norm(h_l), for l = 0 .. layers, row-major [(layers + 1) * width]: the state after
   * l blocks through the norm that follows it (the next block's ln_1; ln_f after the last). iGPT paper, section 3.3.
   * Those of layers beyond the prefix's own mean nothing.
   */
  features(): Float32Array;
  /** Idempotent. Generations that were started from it must be released first. */
  release(): void;
}

/** One step of a generation: up to a row of the picture, for all its samples. B samples, R positions, row-major [B, R]. */
export interface Row {
  /** A palette index to force, -1 to sample. */
  forced: Int32Array;
  /** In [0, 1), one a position, used where forced is -1. */
  uniforms: Float32Array;
}

export interface RowResult {
  /** [B, R] palette indices. */
  tokens: Int32Array;
  /** [B, R] nats of each of them under the model's own distribution (temperature 1, no top-k, no top-p). */
  nll: Float32Array;
}

/** B samples that continue one prefix. Sample b depends on its own inputs alone, bit for bit, whatever B is. */
export interface Generation {
  readonly samples: number;
  /** The next position to be generated. */
  readonly position: number;
  next(row: Row): Promise<RowResult>;
  /**
   * Replaces sample b by a copy of sample `ancestors[b]` as it is now, for all b at once: what a particle filter does
   * between its steps. A sample that appears several times goes on several times, one that does not appear is gone.
   * @param ancestors [samples] @throws RangeError when they are not `samples` indices of samples
   */
  resample(ancestors: ArrayLike<number>): void;
  /** Idempotent. */
  release(): void;
}

/** @throws RangeError: a caller that got them wrong is a bug. */
export function checkAncestors(ancestors: ArrayLike<number>, samples: number): void {
  const right = (ancestor: number) => Number.isInteger(ancestor) && ancestor >= 0 && ancestor < samples;
  if (ancestors.length !== samples || !Array.from(ancestors).every(right)) {
    throw new RangeError(`ancestors are ${samples} indices of samples`);
  }
}

export interface Engine {
  /** The arithmetic, as `Completion.engine` names it: the same name means the same samples for the same uniforms. */
  readonly name: string;
  readonly shape: ModelShape;
  /** Bytes held now, whether or not anything runs: linear memory that has grown does not shrink. */
  readonly residentBytes: number;
  /**
   * The most bytes that a request for `samples` samples (0 = prefix only) adds while it runs.
   * @param given positions of its prefix, when known: samples share them, so the more there are, the less is needed
   * @param own the most positions that all samples together hold beside their prefix, where a filter sees to that: it
   *   counts a position that copies share once, and blocks of 64 as whole ones
   */
  requestBytes(samples: number, given?: number, own?: number): number;
  /**
   * The most positions of `samples` samples (0 = of a prefix) to run at a time, where others wait for the thread: at least 1.
   * Cut like this, results are the same for any number of samples.
   */
  turnPositions(samples: number): number;
  /** An empty prefix. @throws RangeError for layers that there are not, or that are too few to score */
  openPrefix(use?: PrefixUse): Prefix;
  /** @throws RangeError when samples is not a positive integer, or the prefix has not all layers. */
  generate(prefix: Prefix, samples: number, sampling: Sampling): Generation;
  /** Frees everything; the engine is unusable afterwards. */
  release(): void;
}

/** Positions of a prefix that are run at once: four rows of a 32x32 picture, two of a 64x64 one. */
export const PREFIX_CHUNK = 128;
