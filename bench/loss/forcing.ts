/**
 * A model under one arithmetic, colours forced upon it: what comes out are distributions. Caches are built and read as
 * when pixels are drawn, and two arithmetics that are given the same colours cannot part ways, so that they can be
 * compared at every position.
 */
export interface Forcing {
  /** Runs given colours [P], which all samples share. @returns logits [P, C] */
  given(colors: Int32Array): Promise<Float32Array>;
  /** Samples that go on from what was given so far. */
  fork(samples: number): Fork;
  /** Frees the given colours' cache. */
  release(): void;
}

export interface Fork {
  /** The next positions of all samples, one after another: colours [B, R], R up to 32. @returns logits [R, B, C] */
  row(colors: Int32Array): Promise<Float32Array>;
  release(): void;
}
