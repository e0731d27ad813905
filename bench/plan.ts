/** Which engine is measured on which shape, with how many samples and rows. */
import { spreadRows, type Task } from "./measure.ts";
import type { ShapeName } from "./shapes.ts";

/** The contract's names; `ort-web-fp32` and `ort-web-int8`, `ort-node-fp32` and `-int8` are the parts of a best. */
export const ENGINES = [
  "kernel",
  "ort-web-fp32",
  "ort-web-int8",
  "ort-web-stepwise",
  "full-forward",
  "ort-node-fp32",
  "ort-node-int8",
  "transformers",
] as const;
export type EngineName = (typeof ENGINES)[number];

export type RuntimeName = "workerd" | "node";

/** Where an engine is measured: what can run in a Worker runs in workerd, as the Worker loads it. */
export function runtimeOf(engine: string): RuntimeName {
  return /^(kernel|ort-web.*|full-forward)$/.test(engine) ? "workerd" : "node";
}

export interface Job {
  engine: EngineName;
  task: Task;
}

/** Left out by `quick` but for the small shape with one sample: they are the slowest. */
const SLOW: readonly EngineName[] = ["ort-web-stepwise", "full-forward", "transformers"];
/** Left out by `quick` for the large shapes: int8 is the faster there. */
const FLOAT: readonly EngineName[] = ["ort-web-fp32", "ort-node-fp32"];

/** Of pictures of 64x64, where the others would take minutes. */
const AT_64: readonly EngineName[] = ["kernel", "ort-web-int8"];

/** `quick` ends within two minutes on a machine that does nothing else. */
export function jobs(quick: boolean, shapes: readonly ShapeName[]): Job[] {
  return shapes.flatMap((shape) => {
    return samplesOf(shape, quick).flatMap((samples) => {
      const engines = ENGINES.filter((engine) => {
        if (shape === "L8-64") return AT_64.includes(engine);
        if (!quick) return true;
        if (shape !== "L8")
          return samples === 1 ? !SLOW.includes(engine) && !FLOAT.includes(engine) : engine === "kernel";
        return samples === 1 || !SLOW.includes(engine);
      });
      return engines.map((engine) => ({ engine, task: { shape, samples, rows: rowsOf(engine, shape, quick) } }));
    });
  });
}

function samplesOf(shape: ShapeName, quick: boolean): number[] {
  if (shape === "L8-64") return quick ? [1] : [1, 4];
  if (!quick) return [1, 4, 8];
  return shape === "iGPT-S" ? [1] : [1, 8];
}

function rowsOf(engine: EngineName, shape: ShapeName, quick: boolean): number[] {
  // A generation cannot skip rows, and is fast enough to run them all.
  if (engine === "kernel") return spreadRows(shape);
  if (engine === "full-forward" || shape === "iGPT-S") return spreadRows(shape, quick ? 1 : 4);
  return spreadRows(shape, quick ? 2 : 8);
}
