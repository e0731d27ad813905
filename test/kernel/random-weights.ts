/** Random weights of any shape in the layout of `weights.safetensors`, for tests and benchmarks. */

import type { SafetensorsHeader, SafetensorsStream, TensorEntry } from "../../src/model/bundle/safetensors.ts";
import { type KernelShape, type Tensor, tensorBytes, tensorsOf } from "../../src/model/engines/kernel/tensors.ts";

/** Uniform in [0, 1), Mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal numbers, Box-Muller. */
function normalOf(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function headerOf(shape: KernelShape): SafetensorsHeader {
  const tensors = new Map<string, TensorEntry>();
  let at = 0;
  for (const tensor of tensorsOf(shape)) {
    const begin = at;
    at += tensorBytes(tensor);
    tensors.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, begin, end: at });
  }
  return { tensors, dataOffset: 64, dataBytes: at };
}

/**
 * The file's data, tensor by tensor (so that it need not exist at once): linear weights with a standard deviation of
 * `gain` / sqrt(inputs), tables of 0.5, norms about 1, biases of 0.3.
 */
export function* randomTensors(shape: KernelShape, seed: number, gain = 1): Generator<Uint8Array> {
  const normal = normalOf(randomOf(seed));
  for (const tensor of tensorsOf(shape)) yield randomTensor(tensor, normal, gain);
}

/** Those tensors as an engine takes them, in chunks that fit no tensor's borders. */
export function randomStream(shape: KernelShape, seed: number, gain = 1): SafetensorsStream {
  return { header: headerOf(shape), data: chunks(randomTensors(shape, seed, gain)) };
}

async function* chunks(tensors: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const tensor of tensors) {
    for (let at = 0; at < tensor.length; at += 10_007) yield tensor.subarray(at, at + 10_007);
  }
}

const QUANTISED_DEVIATION = 32;

function randomTensor(tensor: Tensor, normal: () => number, gain: number): Uint8Array {
  const bytes = new Uint8Array(tensorBytes(tensor));
  const count = tensor.shape.reduce((product, n) => product * n, 1);
  const view = new DataView(bytes.buffer);
  const fan = /mlp\.proj/.test(tensor.name) ? 4 : 1;
  for (let i = 0; i < count; i++) {
    if (tensor.dtype === "I8") view.setInt8(i, clampByte(normal() * QUANTISED_DEVIATION));
    else if (tensor.dtype === "F16") view.setUint16(i * 2, toHalf(normal() * 0.5), true);
    else view.setFloat32(i * 4, float(tensor, normal, gain, fan), true);
  }
  return bytes;
}

function float({ name }: Tensor, normal: () => number, gain: number, fan: number): number {
  if (name.endsWith(".bias")) return normal() * 0.3;
  if (!name.endsWith(".scale")) return 1 + normal() * 0.2;
  return ((gain / QUANTISED_DEVIATION / Math.sqrt(fan)) * (1 + Math.abs(normal()) * 0.3)) / 16;
}

function clampByte(x: number): number {
  return Math.max(-127, Math.min(127, Math.round(x)));
}

/** Nearest IEEE half of a number in its normal range; below it, 0. */
function toHalf(x: number): number {
  const [bits = 0] = new Uint32Array(new Float32Array([x]).buffer);
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent <= 0) return (bits >>> 16) & 0x8000;
  return ((bits >>> 16) & 0x8000) | (((exponent << 10) | ((bits >>> 13) & 0x3ff)) + ((bits >>> 12) & 1));
}
