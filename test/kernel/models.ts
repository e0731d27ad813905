/** Small random models for the kernel's tests, on every binary, and their float reference. */

import type { Sampling } from "../../src/model/engine.ts";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import { Kernel } from "../../src/model/engines/kernel/kernel.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { type Binary, kernelModule } from "./modules.ts";
import { headerOf, randomOf, randomStream, randomTensors } from "./random-weights.ts";
import { nats, type Reference, runReference, weightsOf } from "./reference.ts";

export const PLAIN_SAMPLING: Sampling = { temperature: 1, topK: 0, topP: 1 };

export const SMALL: KernelShape = { layers: 2, width: 64, heads: 2, positions: 256, colors: 40, bias: false };

export function load(binary: Binary, shape: KernelShape, seed = 1): Promise<KernelEngine> {
  return KernelEngine.load(binary, kernelModule(binary), shape, randomStream(shape, seed));
}

/** The bare kernel, for what the engine does not show. */
export function loadKernel(binary: Binary, shape: KernelShape, seed = 1): Kernel {
  const kernel = new Kernel(kernelModule(binary), shape);
  let offset = 0;
  for (const tensor of randomTensors(shape, seed)) {
    kernel.writeWeights(offset, tensor);
    offset += tensor.length;
  }
  kernel.prepare();
  return kernel;
}

export function randomTokens(count: number, colors: number, seed = 7): Int32Array {
  const random = randomOf(seed);
  return Int32Array.from({ length: count }, () => Math.floor(random() * colors));
}

export function randomUniforms(count: number, seed = 11): Float32Array {
  return Float32Array.from({ length: count }, randomOf(seed));
}

export function reference(shape: KernelShape, tokens: Int32Array, seed = 1): Reference & { nll: number[] } {
  const data = Uint8Array.from(Buffer.concat([...randomTensors(shape, seed)]));
  const run = runReference(shape, weightsOf(headerOf(shape), data), tokens);
  return { ...run, nll: run.logits.map((logits, t) => nats(logits, tokens[t] ?? 0)) };
}

/** nats of `tokens` as given (`prefix` of them) and then as forced colours of each of `samples` samples, [B][T]. */
export async function score(engine: KernelEngine, tokens: Int32Array, prefix: number, samples = 1) {
  const given = engine.openPrefix();
  const head = await given.append(tokens.subarray(0, prefix));
  const generation = engine.generate(given, samples, PLAIN_SAMPLING);
  const rest = tokens.subarray(prefix);
  const forced = new Int32Array(samples * rest.length);
  for (let b = 0; b < samples; b++) forced.set(rest, b * rest.length);
  const { nll } = await generation.next({ forced, uniforms: new Float32Array(forced.length) });
  generation.release();
  given.release();
  return Array.from({ length: samples }, (_, b) => [...head, ...nll.subarray(b * rest.length, (b + 1) * rest.length)]);
}
