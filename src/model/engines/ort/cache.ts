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
  #length = 0;

  /** @param capacity the most units that a row will hold */
  constructor(rows: number, unit: number, capacity: number) {
    this.#rows = rows;
    this.#unit = unit;
    this.#buffer = new ArrayBuffer(0, { maxByteLength: rows * unit * capacity * Float32Array.BYTES_PER_ELEMENT });
  }

  /** The tensor as it is now, row-major; valid until the next `append`. */
  get data(): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#buffer);
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
  readonly keys: readonly GrowingTensor[];
  readonly values: readonly GrowingTensor[];
  #length = 0;

  constructor(shape: ModelShape, samples: number, capacity: number) {
    const headWidth = shape.width / shape.heads;
    const layers = Array.from({ length: shape.layers });
    this.samples = samples;
    this.keys = layers.map(() => new GrowingTensor(samples * shape.width, 1, capacity));
    this.values = layers.map(() => new GrowingTensor(samples * shape.heads, headWidth, capacity));
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
