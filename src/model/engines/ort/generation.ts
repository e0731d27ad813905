import type { Generation, ModelShape, Row, RowResult, Sampling } from "../../engine.ts";
import { Cache } from "./cache.ts";
import type { RowsGraph } from "./graph.ts";
import { groupSize } from "./plan.ts";
import type { OrtPrefix } from "./prefix.ts";

/** Samples that are run at once: a sample's result does not depend on which these are. */
interface Group {
  /** Index of its first sample. */
  first: number;
  cache: Cache;
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
      this.#groups.push({ first, cache: new Cache(shape, count, own), last });
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
    if (count > 0) for (const group of this.#groups) await this.#run(group, row, count, result);
    this.#position += count;
    return result;
  }

  release(): void {
    this.#groups = undefined;
  }

  /** One group's part of a row; the graph has positions before samples, callers have samples before positions. */
  async #run(group: Group, row: Row, count: number, result: RowResult): Promise<void> {
    const batch = group.cache.samples;
    const forced = new Int32Array(batch * count);
    const uniforms = new Float32Array(batch * count);
    const place = (b: number, t: number) => (group.first + b) * count + t;
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
    });
    group.cache.append(made.keys, made.values, count);
    group.last = made.samples.slice(-batch);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < count; t++) {
        result.tokens[place(b, t)] = made.samples[t * batch + b] ?? 0;
        result.nll[place(b, t)] = made.nll[t * batch + b] ?? 0;
      }
    }
  }
}
