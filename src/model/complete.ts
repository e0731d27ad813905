import { CandidateFilter } from "./candidates/filter.ts";
import type { Palette } from "./candidates/outlook.ts";
import { runCandidates } from "./candidates/run.ts";
import type { Generation, Prefix } from "./engine.ts";
import { runPrefix } from "./prefix.ts";
import { uniforms } from "./sampling/uniforms.ts";
import type { Session } from "./session.ts";
import type { CompletedSample, CompletionProgress, CompletionResult, CompletionSpec } from "./types.ts";

/**
 * Completes a picture. Given pixels before the first generated one are the prefix, run once for all samples; given ones
 * after it are forced. Samples run in batches of up to `batch`, one batch after another: sample i is the same for any
 * `batch`, since its uniforms depend on (seed, i, position) alone and engines keep samples apart. With several candidates
 * a sample, one sample's candidates are what runs together.
 *
 * @param tokens [pixels] palette indices of the whole picture
 * @param palette of the model: candidates are compared by their colours
 * @yields before the first row and after each one
 */
export async function* complete(
  session: Session,
  spec: CompletionSpec,
  tokens: Int32Array,
  batch: number,
  palette: Palette,
): AsyncGenerator<CompletionProgress, CompletionResult, void> {
  const canvas = new Canvas(session, spec, tokens);
  const filtered = (spec.candidates ?? 1) > 1;
  const groups = filtered ? spec.samples : Math.ceil(spec.samples / batch);
  yield canvas.progress(0, groups);
  const { prefix } = await runPrefix(session, tokens.slice(0, canvas.start), { scored: false });
  let rows = 0;
  for (let group = 0; group < groups; group++) {
    // Spread evenly: 9 samples by 8 are 5 and 4, which needs less memory than 8 and 1.
    const first = Math.floor((group * spec.samples) / groups);
    const count = Math.floor(((group + 1) * spec.samples) / groups) - first;
    const work = filtered
      ? filter(session, spec, canvas, prefix, first, { tokens, palette })
      : generate(session, spec, canvas, prefix, first, count);
    for await (const done of work) {
      rows += done;
      yield canvas.progress(rows, groups);
    }
  }
  prefix.release();
  return { samples: canvas.finished(), engine: session.engine.name };
}

/** Samples `first` .. + `count`, a row or a part of one a turn; yields after each row: 1, the rows since the last time. */
async function* generate(
  session: Session,
  spec: CompletionSpec,
  canvas: Canvas,
  prefix: Prefix,
  first: number,
  count: number,
) {
  const generation: Generation = session.own(session.engine.generate(prefix, count, spec.sampling));
  const most = session.engine.turnPositions(count);
  for (const [start, end] of canvas.rows()) {
    for (let position = start; position < end; position += most) {
      const length = Math.min(most, end - position);
      const row = {
        forced: canvas.forced(position, length, count),
        uniforms: uniforms(spec.seed, (spec.firstSample ?? 0) + first, count, position, length),
      };
      const { tokens, nll } = await session.turn(() => generation.next(row));
      canvas.put(first, count, position, length, tokens, nll);
    }
    yield 1;
  }
  generation.release();
}

/** One sample by its candidates; yields the rows that are done since the last time, and shows the likeliest candidate. */
async function* filter(
  session: Session,
  spec: CompletionSpec,
  canvas: Canvas,
  prefix: Prefix,
  index: number,
  picture: { tokens: Int32Array; palette: Palette },
) {
  const { candidates = 1, seed, keep, firstSample = 0 } = spec;
  const sample = firstSample + index;
  const particles = new CandidateFilter({ candidates, seed, sample, keep, side: canvas.side, ...picture });
  let rows = 0;
  for await (const next of runCandidates(session, prefix, spec.sampling, particles)) {
    canvas.show(index, particles.leading);
    const done = canvas.rowsBefore(next.start);
    if (done > rows) yield done - rows;
    rows = done;
  }
  const { tokens, nats } = particles.finished();
  canvas.show(index, tokens, nats);
  yield canvas.rowsTotal - rows;
}

/** The pictures in the making. */
class Canvas {
  /** The first generated pixel. */
  readonly start: number;
  /** One past the last generated pixel: given ones after it need no computing. */
  readonly end: number;
  readonly #first: number;
  readonly #given: Int32Array;
  /** Pixels a side. */
  readonly side: number;
  readonly #generated: number;
  readonly #samples: Int32Array[];
  readonly #nll: Float64Array;

  constructor({ engine }: Session, { keep, samples, firstSample = 0 }: CompletionSpec, tokens: Int32Array) {
    this.#first = firstSample;
    this.start = keep.indexOf(false);
    this.end = keep.lastIndexOf(false) + 1;
    this.side = Math.sqrt(engine.shape.positions);
    this.#given = tokens.map((token, pixel) => (keep[pixel] ? token : -1));
    this.#generated = keep.reduce((count, given) => count + (given ? 0 : 1), 0);
    this.#samples = Array.from({ length: samples }, () => this.#given.slice());
    this.#nll = new Float64Array(samples);
  }

  /** [first position, one past the last]: up to the border of the row first, then whole rows. */
  *rows(): Generator<[number, number]> {
    for (let position = this.start; position < this.end; ) {
      const border = (Math.floor(position / this.side) + 1) * this.side;
      const next = Math.min(border, this.end);
      yield [position, next];
      position = next;
    }
  }

  /** [count, length]: the given colour to force, -1 to sample. */
  forced(position: number, length: number, count: number): Int32Array {
    const forced = new Int32Array(count * length);
    for (let b = 0; b < count; b++) forced.set(this.#given.subarray(position, position + length), b * length);
    return forced;
  }

  /** Takes in a row's result, tokens and nll both [count, length]. */
  put(first: number, count: number, position: number, length: number, tokens: Int32Array, nll: Float32Array): void {
    for (let b = 0; b < count; b++) {
      this.#samples[first + b]?.set(tokens.subarray(b * length, (b + 1) * length), position);
      for (let i = 0; i < length; i++) {
        if (this.#given[position + i] === -1) this.#nll[first + b] = at(this.#nll, first + b) + at(nll, b * length + i);
      }
    }
  }

  /** Shows a sample as it is so far, -1 = not yet. @param nats of its generated pixels, summed, once it is finished */
  show(sample: number, tokens: Int32Array, nats = 0): void {
    this.#samples[sample] = tokens;
    this.#nll[sample] = nats;
  }

  get rowsTotal(): number {
    return Math.ceil(this.end / this.side) - Math.floor(this.start / this.side);
  }

  /** Rows that are done when the next position is `position`; the last one is done when its candidates are weighed. */
  rowsBefore(position: number): number {
    const rows = Math.floor(position / this.side) - Math.floor(this.start / this.side);
    return Math.min(rows, this.rowsTotal - 1);
  }

  /** @param rows done by all groups together; a row is done when each group has done it */
  progress(rows: number, groups: number): CompletionProgress {
    return {
      rowsDone: Math.floor(rows / groups),
      rowsTotal: this.rowsTotal,
      samples: this.#samples.map((tokens) => tokens.slice()),
    };
  }

  finished(): CompletedSample[] {
    return this.#samples.map((tokens, index) => ({
      index: this.#first + index,
      tokens,
      nllPerPixel: at(this.#nll, index) / this.#generated,
    }));
  }
}

/** An element that is known to be there. */
function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`an engine returned ${values.length} numbers, ${index} is missing`);
  return value;
}
