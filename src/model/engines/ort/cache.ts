/**
 * Keys and values of one group of samples, in JS memory: onnxruntime-web copies its inputs into the linear memory for a
 * run and frees them after it.
 */
import type { ModelShape } from "../../engine.ts";

/** Bytes of keys and values that one position of one sample takes. */
export function bytesPerPosition(shape: ModelShape): number {
  return 2 * shape.layers * shape.width * Float32Array.BYTES_PER_ELEMENT;
}

/** A growing tensor of [rows, length * unit], dense whatever its length: the last axis is the one that grows. */
export class GrowingTensor {
  /** Takes memory for what it holds now, and grows in place. */
  readonly #buffer: ArrayBuffer;
  readonly #rows: number;
  readonly #unit: number;
  readonly #capacity: number;
  #length = 0;

  /** @param capacity the most units that a row will hold */
  constructor(rows: number, unit: number, capacity: number) {
    this.#rows = rows;
    this.#unit = unit;
    this.#capacity = capacity;
    this.#buffer = new ArrayBuffer(0, { maxByteLength: rows * unit * capacity * Float32Array.BYTES_PER_ELEMENT });
  }

  /** The tensor as it is now, row-major; valid until the next `append`. */
  get data(): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#buffer);
  }

  /** A tensor of `rows` rows of others, `each` of them from row `first` on; all are of one length. */
  static gather(from: readonly { tensor: GrowingTensor; first: number }[], each: number): GrowingTensor {
    const like = from[0]?.tensor;
    if (!like) throw new RangeError("rows of no tensor");
    const made = new GrowingTensor(from.length * each, like.#unit, like.#capacity);
    const part = each * like.#length * like.#unit;
    made.#buffer.resize(from.length * part * Float32Array.BYTES_PER_ELEMENT);
    const data = made.data;
    for (const [i, { tensor, first }] of from.entries()) {
      const start = (first / each) * part;
      data.set(tensor.data.subarray(start, start + part), i * part);
    }
    made.#length = like.#length;
    return made;
  }

  /** Appends [rows, count * unit]. Rows are moved from the last one on, so that none is overwritten before it moved. */
  append(added: Float32Array, count: number): void {
    const before = this.#length * this.#unit;
    const more = count * this.#unit;
    const after = before + more;
    this.#buffer.resize(this.#rows * after * Float32Array.BYTES_PER_ELEMENT);
    const data = new Float32Array(this.#buffer);
    for (let row = this.#rows - 1; row >= 0; row--) {
      data.copyWithin(row * after, row * before, (row + 1) * before);
      data.set(added.subarray(row * more, (row + 1) * more), row * after + before);
    }
    this.#length += count;
  }
}

/** Per layer keys [B, H, W, length] and values [B, H, length, W]; H heads of width W. */
export class Cache {
  readonly samples: number;
  readonly #shape: ModelShape;
  #keys: readonly GrowingTensor[];
  #values: readonly GrowingTensor[];
  #length = 0;

  constructor(shape: ModelShape, samples: number, capacity: number) {
    const headWidth = shape.width / shape.heads;
    const layers = Array.from({ length: shape.layers });
    this.samples = samples;
    this.#shape = shape;
    this.#keys = layers.map(() => new GrowingTensor(samples * shape.width, 1, capacity));
    this.#values = layers.map(() => new GrowingTensor(samples * shape.heads, headWidth, capacity));
  }

  /** A cache of samples of others, which all have come equally far. */
  static gather(from: readonly { cache: Cache; index: number }[]): Cache {
    const like = from[0]?.cache;
    if (!like) throw new RangeError("samples of no cache");
    const { width, heads } = like.#shape;
    const made = new Cache(like.#shape, from.length, 0);
    const gather = (each: number, tensorOf: (cache: Cache) => GrowingTensor | undefined) =>
      GrowingTensor.gather(
        from.map(({ cache, index }) => ({ tensor: tensorOf(cache) as GrowingTensor, first: index * each })),
        each,
      );
    made.#keys = like.#keys.map((_, layer) => gather(width, ({ keys }) => keys[layer]));
    made.#values = like.#values.map((_, layer) => gather(heads, ({ values }) => values[layer]));
    made.#length = like.#length;
    return made;
  }

  get keys(): readonly GrowingTensor[] {
    return this.#keys;
  }

  get values(): readonly GrowingTensor[] {
    return this.#values;
  }

  /** Positions held. */
  get length(): number {
    return this.#length;
  }

  /** Appends positions: per layer keys [B, H, W, length] and values [B, H, length, W]. */
  append({ keys, values, length }: { keys: Float32Array[]; values: Float32Array[]; length: number }): void {
    for (const [layer, added] of keys.entries()) this.keys[layer]?.append(added, length);
    for (const [layer, added] of values.entries()) this.values[layer]?.append(added, length);
    this.#length += length;
  }
}
