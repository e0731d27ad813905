import {
  checkAncestors,
  type Generation,
  type ModelShape,
  type Row,
  type RowResult,
  type Sampling,
} from "../../engine.ts";
import { Cache } from "./cache.ts";
import type { RowCache, RowsGraph } from "./graph.ts";
import { groupSize } from "./plan.ts";
import type { OrtPrefix } from "./prefix.ts";

/**
 * The cache is summed in parts, one of them the row so far, so rows end at the same positions however callers cut their
 * calls: each 32 from where the generation began.
 */
const ROW = 32;

/** Samples that are run at once: a sample's result does not depend on which these are. */
interface Group {
  /** Index of its first sample. */
  first: number;
  /** Whole rows. */
  cache: Cache;
  /** What there is of the row that has begun. */
  row: RowCache | undefined;
  /** [samples of the group] the last colour of each. */
  last: Int32Array;
}

export class OrtGeneration implements Generation {
  readonly samples: number;
  readonly #graph: RowsGraph;
  readonly #shape: ModelShape;
  readonly #prefix: OrtPrefix;
  readonly #sampling: Sampling;
  #groups: Group[] | undefined;
  #position: number;

  constructor(graph: RowsGraph, shape: ModelShape, prefix: OrtPrefix, samples: number, sampling: Sampling) {
    if (!Number.isInteger(samples) || samples < 1) throw new RangeError("samples is a positive integer");
    this.samples = samples;
    this.#graph = graph;
    this.#shape = shape;
    this.#prefix = prefix;
    this.#sampling = sampling;
    this.#position = prefix.length;
    const own = shape.positions - prefix.length;
    const size = groupSize(shape, prefix.length);
    this.#groups = [];
    for (let first = 0; first < samples; first += size) {
      const count = Math.min(size, samples - first);
      const last = new Int32Array(count).fill(prefix.last);
      this.#groups.push({ first, cache: new Cache(shape, count, own), row: undefined, last });
    }
  }

  get position(): number {
    return this.#position;
  }

  async next(row: Row): Promise<RowResult> {
    if (!this.#groups) throw new Error("the generation was released");
    const count = row.forced.length / this.samples;
    if (!Number.isInteger(count) || row.uniforms.length !== row.forced.length) {
      throw new RangeError(`forced and uniforms are [${this.samples}, positions]`);
    }
    if (this.#position + count > this.#shape.positions)
      throw new RangeError(`a picture has ${this.#shape.positions} pixels`);
    if (row.forced.some((token) => token < -1 || token >= this.#shape.colors)) {
      throw new RangeError(`a forced colour is -1 .. ${this.#shape.colors - 1}`);
    }
    const result = { tokens: new Int32Array(row.forced.length), nll: new Float32Array(row.forced.length) };
    for (let start = 0; start < count; ) {
      const begun = (this.#position - this.#prefix.length) % ROW;
      const end = Math.min(count, start + ROW - begun);
      for (const group of this.#groups) await this.#run(group, row, start, end, result);
      this.#position += end - start;
      start = end;
    }
    return result;
  }

  resample(ancestors: ArrayLike<number>): void {
    const before = this.#groups;
    if (!before) throw new Error("the generation was released");
    checkAncestors(ancestors, this.samples);
    const size = before[0]?.last.length ?? 1;
    this.#groups = before.map(({ first, last }) => {
      const from = Array.from(last, (_, b) => {
        const ancestor = ancestors[first + b] ?? 0;
        return { group: before[Math.floor(ancestor / size)] as Group, index: ancestor % size };
      });
      return {
        first,
        cache: Cache.gather(from.map(({ group, index }) => ({ cache: group.cache, index }))),
        row: gatherRows(from.map(({ group, index }) => ({ row: group.row, samples: group.last.length, index }))),
        last: Int32Array.from(from, ({ group, index }) => group.last[index] ?? -1),
      };
    });
  }

  release(): void {
    this.#groups = undefined;
  }

  /**
   * One group's part of the columns start .. end, which are of one row. The graph has positions before samples, callers
   * have samples before positions.
   */
  async #run(group: Group, row: Row, start: number, end: number, result: RowResult): Promise<void> {
    const batch = group.cache.samples;
    const columns = row.forced.length / this.samples;
    const count = end - start;
    const forced = new Int32Array(batch * count);
    const uniforms = new Float32Array(batch * count);
    const place = (b: number, t: number) => (group.first + b) * columns + start + t;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < count; t++) {
        forced[t * batch + b] = row.forced[place(b, t)] ?? -1;
        uniforms[t * batch + b] = row.uniforms[place(b, t)] ?? 0;
      }
    }
    const made = await this.#graph.run({
      steps: count,
      positions: 1,
      forced,
      uniforms,
      last: group.last,
      sampling: this.#sampling,
      prefix: this.#prefix.cache,
      own: group.cache,
      row: group.row,
    });
    group.row = made.row;
    if (made.row.length === ROW) {
      group.cache.append(made.row);
      group.row = undefined;
    }
    group.last = made.samples.slice(-batch);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < count; t++) {
        result.tokens[place(b, t)] = made.samples[t * batch + b] ?? 0;
        result.nll[place(b, t)] = made.nll[t * batch + b] ?? 0;
      }
    }
  }
}

/** The rows so far of samples of several groups, as one group's; all groups are at one position. */
function gatherRows(
  from: readonly { row: RowCache | undefined; samples: number; index: number }[],
): RowCache | undefined {
  const [first] = from;
  if (!first?.row) return undefined;
  const gather = (name: "keys" | "values") =>
    first.row?.[name].map((_, layer) => {
      const parts = from.map(({ row, samples, index }) => {
        const data = row?.[name][layer] ?? new Float32Array();
        const size = data.length / samples;
        return data.subarray(index * size, (index + 1) * size);
      });
      return joined(parts);
    }) ?? [];
  return { length: first.row.length, keys: gather("keys"), values: gather("values") };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
