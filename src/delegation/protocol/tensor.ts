/** Tensors of the Open Inference Protocol (KServe v2), as far as the image GPT's graph needs them. */

interface Shaped {
  name: string;
  /** Row-major; a dimension may be 0. */
  shape: readonly number[];
}

export interface Int64Tensor extends Shaped {
  datatype: "INT64";
  data: BigInt64Array;
}

export interface Fp32Tensor extends Shaped {
  datatype: "FP32";
  data: Float32Array;
}

export type Tensor = Int64Tensor | Fp32Tensor;
export type Datatype = Tensor["datatype"];

/** What a peer sent is not a message of the protocol, or not one that we can serve. Its message names the place. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

const BYTES: Record<Datatype, number> = { INT64: 8, FP32: 4 };

export function int64(name: string, shape: readonly number[], values: ArrayLike<number>): Int64Tensor {
  return { name, shape, datatype: "INT64", data: BigInt64Array.from(Array.from(values), BigInt) };
}

export function fp32(name: string, shape: readonly number[], data: Float32Array): Fp32Tensor {
  return { name, shape, datatype: "FP32", data };
}

/** Elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Little-endian bytes, as the binary form carries them. */
export function toBytes({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** @throws ProtocolError when the bytes are not as many as the shape says. */
export function fromBytes(name: string, datatype: Datatype, shape: readonly number[], bytes: Uint8Array): Tensor {
  const expected = elements(shape) * BYTES[datatype];
  if (bytes.length !== expected) {
    throw new ProtocolError(
      `${name}: ${bytes.length} bytes of data where shape [${shape}] of ${datatype} has ${expected}`,
    );
  }
  // A copy: typed arrays need their element's alignment, and a body has none.
  const { buffer } = bytes.slice();
  if (datatype === "INT64") return { name, shape, datatype, data: new BigInt64Array(buffer) };
  return { name, shape, datatype, data: new Float32Array(buffer) };
}

/** A JSON array of a tensor's elements. @throws ProtocolError on what JSON has no number for. */
export function toNumbers({ name, data }: Tensor): number[] {
  const numbers = Array.from<number | bigint, number>(data, Number);
  const inexact = data instanceof Float32Array ? !numbers.every(Number.isFinite) : !numbers.every(Number.isSafeInteger);
  if (inexact) throw new ProtocolError(`${name}: not every value can be written in JSON: use the binary form`);
  return numbers;
}

/** The JSON form's data: flat or nested. @throws ProtocolError when it is not what shape and datatype say. */
export function fromNumbers(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  data: readonly unknown[],
): Tensor {
  const flat: unknown[] = data.some(Array.isArray) ? data.flat(Number.POSITIVE_INFINITY) : [...data];
  const expected = elements(shape);
  if (flat.length !== expected) {
    throw new ProtocolError(`${name}: ${flat.length} values where shape [${shape}] has ${expected}`);
  }
  if (datatype === "INT64") {
    if (!flat.every(Number.isSafeInteger)) throw new ProtocolError(`${name}: INT64 data must be whole numbers`);
    return int64(name, shape, flat as number[]);
  }
  if (!flat.every((value) => typeof value === "number")) throw new ProtocolError(`${name}: FP32 data must be numbers`);
  return fp32(name, shape, Float32Array.from(flat as number[]));
}
