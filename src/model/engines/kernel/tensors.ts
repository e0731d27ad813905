/** What `weights.safetensors` holds, in the order of the file: the kernel packs and runs it where it lies. */

import type { Dtype, SafetensorsHeader } from "../../bundle/safetensors.ts";
import type { ModelShape } from "../../engine.ts";

/** A shape the kernel runs; `bias`: linear layers have one. */
export type KernelShape = ModelShape & { bias: boolean };

/** What keeps the kernel from running a shape, if anything does. */
export function checkShape({ width, heads, colors }: KernelShape): string | undefined {
  if (width % 16 !== 0) return `its width ${width} is not a multiple of 16`;
  if ((width / heads) % 16 !== 0) return `its heads are ${width / heads} wide, not a multiple of 16`;
  if (colors < 4) return `it has ${colors} colours, fewer than 4`;
  return undefined;
}

export interface Tensor {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
}

const ELEMENT_BYTES: Partial<Record<Dtype, number>> = { I8: 1, F16: 2, F32: 4 };

export function tensorBytes({ dtype, shape }: Tensor): number {
  return shape.reduce((product, n) => product * n, ELEMENT_BYTES[dtype] ?? Number.NaN);
}

/** Every tensor of a model of this shape, in order. */
export function* tensorsOf({ layers, width: d, positions, colors, bias }: KernelShape): Generator<Tensor> {
  yield { name: "wte", dtype: "F16", shape: [colors, d] };
  yield { name: "sos", dtype: "F16", shape: [d] };
  yield { name: "wpe", dtype: "F16", shape: [positions, d] };
  for (let n = 0; n < layers; n++) {
    const block = `blocks.${n}`;
    yield { name: `${block}.ln_1.weight`, dtype: "F32", shape: [d] };
    yield* linear(`${block}.attn.qkv`, 3 * d, d, bias);
    yield* linear(`${block}.attn.proj`, d, d, bias);
    yield { name: `${block}.ln_2.weight`, dtype: "F32", shape: [d] };
    yield* linear(`${block}.mlp.fc`, 4 * d, d, bias);
    yield* linear(`${block}.mlp.proj`, d, 4 * d, bias);
  }
  yield { name: "ln_f.weight", dtype: "F32", shape: [d] };
  yield* linear("head", colors, d, false);
}

function* linear(name: string, outputs: number, inputs: number, bias: boolean): Generator<Tensor> {
  yield { name: `${name}.weight`, dtype: "I8", shape: [outputs, inputs] };
  yield { name: `${name}.scale`, dtype: "F32", shape: [outputs] };
  if (bias) yield { name: `${name}.bias`, dtype: "F32", shape: [outputs] };
}

/** Bytes of all of them. */
export function weightBytes(shape: KernelShape): number {
  let bytes = 0;
  for (const tensor of tensorsOf(shape)) bytes += tensorBytes(tensor);
  return bytes;
}

/** A file of weights that is not of the model's shape. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
}

/** @throws WeightsError that names the first tensor which is not as the shape demands. */
export function checkTensors(shape: KernelShape, header: SafetensorsHeader): void {
  let begin = 0;
  for (const tensor of tensorsOf(shape)) {
    const found = header.tensors.get(tensor.name);
    if (!found) throw new WeightsError(`tensor ${tensor.name} is missing`);
    const end = begin + tensorBytes(tensor);
    const same = found.dtype === tensor.dtype && `${found.shape}` === `${tensor.shape}`;
    if (!same || found.begin !== begin || found.end !== end) {
      const is = `${found.dtype} [${found.shape}] at ${found.begin}`;
      throw new WeightsError(`tensor ${tensor.name} is ${is}, not ${tensor.dtype} [${tensor.shape}] at ${begin}`);
    }
    begin = end;
  }
  if (begin !== header.dataBytes) throw new WeightsError(`${header.dataBytes - begin} bytes after the last tensor`);
}
