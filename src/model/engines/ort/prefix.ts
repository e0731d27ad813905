import { type ModelShape, PREFIX_CHUNK, type Prefix } from "../../engine.ts";
import { Cache } from "./cache.ts";
import type { RowsGraph } from "./graph.ts";

/** Given pixels are all forced, so how others would be sampled does not matter. */
const ANY_SAMPLING = { temperature: 1, topK: 0, topP: 1 };

export class OrtPrefix implements Prefix {
  readonly #graph: RowsGraph;
  readonly #shape: ModelShape;
  readonly #nothing: Cache;
  readonly #stateSums: Float64Array;
  #cache: Cache | undefined;
  #last = -1;

  constructor(graph: RowsGraph, shape: ModelShape) {
    this.#graph = graph;
    this.#shape = shape;
    this.#cache = new Cache(shape, 1, shape.positions);
    this.#nothing = new Cache(shape, 1, 0);
    this.#stateSums = new Float64Array((shape.layers + 1) * shape.width);
  }

  /** Keys and values of the given pixels. @throws Error after `release`. */
  get cache(): Cache {
    if (!this.#cache) throw new Error("the prefix was released");
    return this.#cache;
  }

  /** The last given colour, -1 without any. */
  get last(): number {
    return this.#last;
  }

  get length(): number {
    return this.#cache?.length ?? 0;
  }

  async append(tokens: Int32Array): Promise<Float32Array> {
    const { positions, colors } = this.#shape;
    if (this.cache.length + tokens.length > positions) throw new RangeError(`a picture has ${positions} pixels`);
    if (tokens.some((token) => token < 0 || token >= colors)) throw new RangeError(`a colour is 0 .. ${colors - 1}`);
    const nll = new Float32Array(tokens.length);
    for (let start = 0; start < tokens.length; start += PREFIX_CHUNK) {
      const chunk = tokens.subarray(start, start + PREFIX_CHUNK);
      nll.set(await this.#appendChunk(chunk), start);
    }
    return nll;
  }

  features(): Float32Array {
    const count = Math.max(1, this.length);
    return Float32Array.from(this.#stateSums, (sum) => sum / count);
  }

  release(): void {
    this.#cache = undefined;
  }

  async #appendChunk(tokens: Int32Array): Promise<Float32Array> {
    const result = await this.#graph.run({
      steps: 1,
      positions: tokens.length,
      forced: tokens,
      uniforms: new Float32Array(tokens.length),
      last: Int32Array.of(this.#last),
      sampling: ANY_SAMPLING,
      prefix: this.cache,
      own: this.#nothing,
    });
    this.cache.append(result.row);
    for (const [i, sum] of result.stateSums.entries()) this.#stateSums[i] = (this.#stateSums[i] ?? 0) + sum;
    this.#last = tokens[tokens.length - 1] ?? this.#last;
    return result.nll;
  }
}
