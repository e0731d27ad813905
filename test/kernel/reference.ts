/**
 * The model in plain double precision, to be read from top to bottom and to hold the kernel against. No cache, no
 * batch: all positions of one sequence at once. The weights are the de-quantised ones, so that what differs is the
 * arithmetic alone.
 */

import type { SafetensorsHeader } from "../../src/model/bundle/safetensors.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";

export interface Reference {
  /** [T][colors]: the distribution of tokens[t] given what is before it. */
  logits: Float64Array[];
  /** [layers + 1][T][width]: the state after l blocks through the norm that follows it. */
  normed: Float64Array[][];
}

type Weights = (name: string) => Float64Array;

/** Runs all positions of `tokens`; its last colour is never an input. */
export function runReference(shape: KernelShape, weights: Weights, tokens: ArrayLike<number>): Reference {
  const { layers, width: d, heads, colors } = shape;
  const T = tokens.length;
  const [wte, sos, wpe] = [weights("wte"), weights("sos"), weights("wpe")];
  // h = [sos, wte[x[:-1]]] + wpe
  const states = Array.from({ length: T }, (_, t) => {
    const token = t === 0 ? sos : wte.subarray((tokens[t - 1] ?? 0) * d, ((tokens[t - 1] ?? 0) + 1) * d);
    return token.map((x, i) => x + at(wpe, t * d + i));
  });
  const normed: Float64Array[][] = [];

  for (let l = 0; l < layers; l++) {
    const name = `blocks.${l}`;
    const x = states.map((h) => norm(h, weights(`${name}.ln_1.weight`)));
    normed.push(x);
    const qkv = x.map((row) => linear(row, weights, `${name}.attn.qkv`));
    const mixed = attend(qkv, d, heads);
    mixed.forEach((row, t) => {
      addTo(states[t], linear(row, weights, `${name}.attn.proj`));
    });
    for (const h of states) {
      const hidden = linear(norm(h, weights(`${name}.ln_2.weight`)), weights, `${name}.mlp.fc`);
      addTo(h, linear(hidden.map(quickGelu), weights, `${name}.mlp.proj`));
    }
  }
  const last = states.map((h) => norm(h, weights("ln_f.weight")));
  normed.push(last);
  return { logits: last.map((row) => linear(row, weights, "head").subarray(0, colors)), normed };
}

/** -log softmax(logits)[color] */
export function nats(logits: Float64Array, color: number): number {
  const most = Math.max(...logits);
  return Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0)) + most - at(logits, color);
}

/** Tensors as doubles: halves and floats as they are, NAME.weight of a linear layer times its scale. */
export function weightsOf(header: SafetensorsHeader, data: Uint8Array<ArrayBuffer>): Weights {
  const cache = new Map<string, Float64Array>();
  const read = (name: string): Float64Array => {
    const entry = header.tensors.get(name);
    if (!entry) return new Float64Array(0);
    const bytes = data.slice(entry.begin, entry.end).buffer;
    if (entry.dtype === "F32") return Float64Array.from(new Float32Array(bytes));
    if (entry.dtype === "F16") return Float64Array.from(new Uint16Array(bytes), fromHalf);
    const [outputs = 0, inputs = 0] = entry.shape;
    const scale = read(name.replace(/weight$/, "scale"));
    const q = new Int8Array(bytes);
    return Float64Array.from({ length: outputs * inputs }, (_, i) => at(q, i) * at(scale, Math.floor(i / inputs)));
  };
  return (name) => {
    const tensor = cache.get(name) ?? read(name);
    cache.set(name, tensor);
    return tensor;
  };
}

/** x * rsqrt(mean(x^2) + 1e-5) * g */
function norm(x: Float64Array, gain: Float64Array): Float64Array {
  const mean = x.reduce((sum, v) => sum + v * v, 0) / x.length;
  return x.map((v, i) => (v / Math.sqrt(mean + 1e-5)) * at(gain, i));
}

/** W x + b */
function linear(x: Float64Array, weights: Weights, name: string): Float64Array {
  const weight = weights(`${name}.weight`);
  const bias = weights(`${name}.bias`);
  const y = new Float64Array(weight.length / x.length);
  for (let o = 0; o < y.length; o++) {
    let sum = bias[o] ?? 0;
    for (let i = 0; i < x.length; i++) sum += at(weight, o * x.length + i) * at(x, i);
    y[o] = sum;
  }
  return y;
}

/** Causal attention: softmax(q k / sqrt(h)) v, head by head. */
function attend(qkv: Float64Array[], d: number, heads: number): Float64Array[] {
  const h = d / heads;
  return qkv.map((row, t) => {
    const out = new Float64Array(d);
    for (let head = 0; head < heads; head++) {
      const scores = new Float64Array(t + 1);
      for (let s = 0; s <= t; s++) {
        for (let i = 0; i < h; i++) {
          scores[s] = at(scores, s) + at(row, head * h + i) * at(qkv[s], d + head * h + i);
        }
      }
      const most = Math.max(...scores) / Math.sqrt(h);
      const weights = scores.map((score) => Math.exp(score / Math.sqrt(h) - most));
      const sum = weights.reduce((a, b) => a + b, 0);
      for (let s = 0; s <= t; s++) {
        for (let i = 0; i < h; i++) {
          out[head * h + i] = at(out, head * h + i) + (at(weights, s) / sum) * at(qkv[s], 2 * d + head * h + i);
        }
      }
    }
    return out;
  });
}

function quickGelu(x: number): number {
  return x / (1 + Math.exp(-1.702 * x));
}

function addTo(x: Float64Array | undefined, y: Float64Array): void {
  y.forEach((v, i) => {
    if (x) x[i] = at(x, i) + v;
  });
}

function at(array: ArrayLike<number> | undefined, index: number): number {
  return array?.[index] ?? 0;
}

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
