/** What ships: the kernel behind the engine interface. */
import type { Engine, Generation, Prefix } from "../../src/model/engine.ts";
import { givenColors, rowUniforms, type Subject, type Task } from "../measure.ts";
import { ROW, SHAPES } from "../shapes.ts";

const SAMPLING = { temperature: 1, topK: 0, topP: 1 };

export function kernelSubject(engine: Engine, { shape, samples }: Task): Subject {
  const given = givenColors(SHAPES[shape]);
  const row = { forced: new Int32Array(samples * ROW).fill(-1), uniforms: rowUniforms(samples) };
  let running: { prefix: Prefix; generation: Generation } | undefined;
  return {
    async prefill() {
      running?.generation.release();
      running?.prefix.release();
      const prefix = engine.openPrefix({ scored: false });
      await prefix.append(given);
      running = { prefix, generation: engine.generate(prefix, samples, SAMPLING) };
    },
    async row() {
      await running?.generation.next(row);
    },
    peakBytes: () => engine.residentBytes,
  };
}
