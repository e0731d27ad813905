/** What is measured, and weights for it: random ones, because time does not depend on them. */
import type { KernelShape } from "../src/model/engines/kernel/tensors.ts";
import { tensorBytes, tensorsOf } from "../src/model/engines/kernel/tensors.ts";
import { weightProducts } from "../src/model/weight-products.ts";

export const SHAPES = {
  /** igpt-small. */
  L8: { layers: 8, width: 256, heads: 8, positions: 1024, colors: 512, bias: false },
  /** igpt-64: the same for pictures of 64x64. */
  "L8-64": { layers: 8, width: 256, heads: 8, positions: 4096, colors: 512, bias: false },
  /** igpt-base. */
  L12: { layers: 12, width: 384, heads: 6, positions: 1024, colors: 512, bias: false },
  /** OpenAI's small model. */
  "iGPT-S": { layers: 24, width: 512, heads: 8, positions: 1024, colors: 512, bias: false },
} as const satisfies Record<string, KernelShape>;

export type ShapeName = keyof typeof SHAPES;

/** Of SHAPES, or LAYERSxWIDTHxHEADS. */
export function shapeOf(name: string): KernelShape {
  if (Object.hasOwn(SHAPES, name)) return SHAPES[name as ShapeName];
  const [layers = 0, width = 0, heads = 0] = name.split("x").map(Number);
  if (!(layers > 0 && width > 0 && heads > 0)) throw new Error(`no shape ${name}: ${Object.keys(SHAPES)}, or 10x384x6`);
  return { layers, width, heads, positions: 1024, colors: 512, bias: false };
}

/** Half a picture: so many positions are given, and so many generated. */
export const halfOf = ({ positions }: KernelShape): number => positions / 2;

/** Positions that are generated at once: a row of a picture of 32x32, half a row of 64x64, and all that the kernel does in one call. */
export const ROW = 32;

/** bench/graphs/make.py has the same number. */
const DATA_OFFSET = 65_536;

/** A `weights.safetensors` whose data starts at DATA_OFFSET. */
export function weightsFile(shape: KernelShape): Uint8Array<ArrayBuffer> {
  const entries: Record<string, unknown> = {};
  let at = 0;
  for (const tensor of tensorsOf(shape)) {
    const end = at + tensorBytes(tensor);
    entries[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, end] };
    at = end;
  }
  const file = new Uint8Array(DATA_OFFSET + at);
  const header = JSON.stringify(entries).padEnd(DATA_OFFSET - 8);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  new TextEncoder().encodeInto(header, file.subarray(8));
  let place = DATA_OFFSET;
  for (const tensor of tensorsOf(shape)) {
    const bytes = tensorBytes(tensor);
    fill(file.subarray(place, place + bytes), tensor.dtype, tensor.name, shape.width);
    place += bytes;
  }
  return file;
}

/** Numbers of the size that a trained model has, from a congruential generator: 76 million of them take half a second. */
function fill(bytes: Uint8Array<ArrayBuffer>, dtype: string, name: string, width: number): void {
  let seed = 12345;
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return seed >> 16;
  };
  if (dtype === "I8") for (let i = 0; i < bytes.length; i++) bytes[i] = (next() % 100) & 0xff;
  // Halves of +-(0.25 .. 0.5).
  else if (dtype === "F16") for (let i = 0; i < bytes.length; i += 2) setHalf(bytes, i, next());
  else
    new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).fill(
      name.endsWith(".scale") ? 0.3 / 58 / Math.sqrt(width) : 1,
    );
}

function setHalf(bytes: Uint8Array, at: number, random: number): void {
  bytes[at] = random & 0xff;
  bytes[at + 1] = 0x34 | ((random >> 8) & 0x83);
}

/** Multiply-adds of one position: all weights, and attention to `context` positions. */
export function operations(shape: KernelShape, context: number): number {
  return 2 * (weightProducts(shape) + shape.layers * 2 * context * shape.width);
}

/** Bytes of int8 weights that one step reads, whatever the number of samples. */
export function weightBytesPerStep(shape: KernelShape): number {
  return weightProducts(shape);
}
