/** The kernel's logits: the Worker's own prefix and generation, one position a call, its memory read in between. */
import { KernelGeneration } from "../../src/model/engines/kernel/generation.ts";
import type { Kernel } from "../../src/model/engines/kernel/kernel.ts";
import { ROWS } from "../../src/model/engines/kernel/layout.ts";
import { PagePool } from "../../src/model/engines/kernel/pages.ts";
import { KernelPrefix } from "../../src/model/engines/kernel/prefix.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import type { Forcing } from "./forcing.ts";

const SAMPLING = { temperature: 1, topK: 0, topP: 1 };

/** @param pool kept from one sequence to the next: the memory only grows */
export function forceKernel(
  kernel: Kernel,
  shape: KernelShape,
  pool = new PagePool(kernel.memory, kernel.layout),
): Forcing {
  const { colors } = shape;
  const prefix = new KernelPrefix(kernel, pool, shape);
  const logitsOf = (rows: number) => kernel.floats("logits").subarray(0, rows * colors);
  return {
    async given(tokens) {
      const logits = new Float32Array(tokens.length * colors);
      for (let start = 0; start < tokens.length; start += ROWS) {
        const part = tokens.subarray(start, start + ROWS);
        await prefix.append(part);
        logits.set(logitsOf(part.length), start * colors);
      }
      return logits;
    },
    fork(samples) {
      if (samples > ROWS) throw new RangeError(`the kernel runs ${ROWS} samples at once`);
      const generation = new KernelGeneration(kernel, pool, shape, prefix, samples, SAMPLING);
      return {
        async row(forced) {
          const steps = forced.length / samples;
          const logits = new Float32Array(steps * samples * colors);
          for (let step = 0; step < steps; step++) {
            const column = Int32Array.from({ length: samples }, (_, b) => forced[b * steps + step] ?? -1);
            await generation.next({ forced: column, uniforms: new Float32Array(samples) });
            logits.set(logitsOf(samples), step * samples * colors);
          }
          return logits;
        },
        release: () => generation.release(),
      };
    },
    release: () => prefix.release(),
  };
}
