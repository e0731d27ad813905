/**
 * Header and tensors to a body and back. Two forms: plain JSON, and Triton's "binary tensor data extension", in which the
 * JSON is followed by the raw tensors it announces (`binary_data_size`), and a HTTP header says where it ends.
 */
import type { TensorHeader } from "./header.ts";
import { fromBytes, fromNumbers, ProtocolError, type Tensor, toBytes, toNumbers } from "./tensor.ts";

/** The HTTP header with the length of the JSON part; its presence says that the body is in the binary form. */
export const HEADER_LENGTH = "Inference-Header-Content-Length";

export interface Body {
  headers: Record<string, string>;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A tensor's place in the JSON part, with its data or with the size of its bytes. */
export function tensorHeader(tensor: Tensor, binary: boolean): TensorHeader {
  const { name, shape, datatype } = tensor;
  const common = { name, shape: [...shape], datatype };
  if (binary) return { ...common, parameters: { binary_data_size: tensor.data.byteLength } };
  return { ...common, data: toNumbers(tensor) };
}

/** @param binary the tensors whose bytes follow the JSON, in the order in which the JSON names them */
export function joinBody(header: unknown, binary: readonly Tensor[]): Body {
  const json = new TextEncoder().encode(JSON.stringify(header));
  if (binary.length === 0) return { headers: { "Content-Type": "application/json" }, bytes: json };
  const bytes = new Uint8Array(binary.reduce((sum, { data }) => sum + data.byteLength, json.length));
  bytes.set(json);
  let at = json.length;
  for (const tensor of binary) {
    bytes.set(toBytes(tensor), at);
    at += tensor.data.byteLength;
  }
  const headers = { "Content-Type": "application/octet-stream", [HEADER_LENGTH]: String(json.length) };
  return { headers, bytes };
}

/** @returns the JSON part, and the bytes that follow it. @throws ProtocolError */
export function splitBody(headers: Headers, bytes: Uint8Array): { json: string; rest: Uint8Array } {
  const given = headers.get(HEADER_LENGTH);
  if (given !== null && !/^\d{1,10}$/.test(given)) throw new ProtocolError(`${HEADER_LENGTH} is not a length`);
  const length = given === null ? bytes.length : Number(given);
  if (length > bytes.length) throw new ProtocolError(`the body ends within its JSON part of ${length} bytes`);
  return { json: new TextDecoder().decode(bytes.subarray(0, length)), rest: bytes.subarray(length) };
}

/** Reads the tensors that the JSON part names. @throws ProtocolError */
export function readTensors(headers: readonly TensorHeader[], rest: Uint8Array): Tensor[] {
  let at = 0;
  const tensors = headers.map(({ name, datatype, shape, data, parameters }) => {
    const size = parameters?.binary_data_size;
    if (size === undefined) {
      if (!data) throw new ProtocolError(`${name}: neither data nor binary_data_size`);
      return fromNumbers(name, datatype, shape, data);
    }
    if (data) throw new ProtocolError(`${name}: both data and binary_data_size`);
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0) {
      throw new ProtocolError(`${name}: binary_data_size is not a length`);
    }
    if (at + size > rest.length) throw new ProtocolError(`${name}: the body ends within its data`);
    const tensor = fromBytes(name, datatype, shape, rest.subarray(at, at + size));
    at += size;
    return tensor;
  });
  if (at !== rest.length) throw new ProtocolError(`${rest.length - at} bytes after the last tensor`);
  return tensors;
}
