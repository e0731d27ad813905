/** What each engine is asked: half a picture, the other half being given. */
import type { KernelShape } from "../src/model/engines/kernel/tensors.ts";
import { halfOf, ROW, SHAPES, type ShapeName } from "./shapes.ts";

/** An engine under measurement, loaded. */
export interface Subject {
  /** Runs the given half. */
  prefill(): Promise<void>;
  /**
   * Runs one row (ROW positions of the generated half, counted from 0) for all samples. Rows may be skipped where a subject can stand in for
   * the cache of those before: what a step costs depends on the cache's length and not on what is in it.
   */
  row(index: number): Promise<void>;
  /** Bytes of linear memory, or of a native process's resident set. */
  peakBytes(): number;
}

/** A subject as it is measured, wherever it runs. */
export interface Measurable {
  prefill(): Promise<void>;
  rows(indices: readonly number[]): Promise<void>;
  /** Linear memory and JS heap, or a native process's resident set. */
  peakBytes(): Promise<number>;
  /** CPU time of the process it runs in, in milliseconds. */
  cpuMs(): Promise<number>;
  /** What asking costs, in milliseconds: not the subject's. */
  idle: { wall: number; cpu: number };
}

export interface Measurement {
  /** Mean over the steps that were measured. */
  msPerStep: number;
  /** The same of the process's CPU time: what remains comparable when others use the machine too. */
  cpuMsPerStep: number;
  msPrefill: number;
  msHalfPicture: number;
  /** From the bucket (natively: from files), nothing being in memory, to the first generated row. */
  coldStartMs: number;
  peakMiB: number;
  /** Steps behind msPerStep; fewer than half a picture has: evenly spread rows. */
  steps: number;
}

export interface Task {
  shape: ShapeName;
  samples: number;
  /** Rows of the generated half that are measured. */
  rows: readonly number[];
}

/** `count` of the generated half's rows, evenly spread; default: all. */
export function spreadRows(shape: ShapeName, count?: number): number[] {
  const all = halfOf(SHAPES[shape]) / ROW;
  const some = count ?? all;
  return Array.from({ length: some }, (_, i) => Math.floor(((i + 0.5) * all) / some));
}

/** Loads, warms up, and measures. */
export async function measure(load: () => Promise<Measurable>, { shape, rows }: Task): Promise<Measurement> {
  const first = rows.slice(0, 1);
  const begin = performance.now();
  const subject = await load();
  await subject.prefill();
  await subject.rows(first);
  const coldStartMs = performance.now() - begin;
  // Time for the optimising compiler to finish with what ran so far.
  await subject.prefill();
  await subject.rows(first);
  await new Promise((resolve) => setTimeout(resolve, 500));

  const prefill = await time(subject, () => subject.prefill());
  const total = await time(subject, () => subject.rows(rows));
  const steps = rows.length * ROW;
  const msPerStep = total.wall / steps;
  return {
    msPerStep,
    cpuMsPerStep: total.cpu / steps,
    msPrefill: prefill.wall,
    msHalfPicture: prefill.wall + msPerStep * halfOf(SHAPES[shape]),
    coldStartMs,
    peakMiB: (await subject.peakBytes()) / 2 ** 20,
    steps,
  };
}

/** Milliseconds by the wall clock and of CPU. */
async function time({ cpuMs, idle }: Measurable, work: () => Promise<void>): Promise<{ wall: number; cpu: number }> {
  const before = await cpuMs();
  const begin = performance.now();
  await work();
  const wall = performance.now() - begin;
  return { wall: wall - idle.wall, cpu: (await cpuMs()) - before - idle.cpu };
}

/** A native subject of this process. */
export function local(subject: Subject): Measurable {
  return {
    prefill: () => subject.prefill(),
    async rows(indices) {
      for (const index of indices) await subject.row(index);
    },
    peakBytes: async () => subject.peakBytes(),
    cpuMs: async () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    idle: { wall: 0, cpu: 0 },
  };
}

/** The half of a picture that all engines are given. */
export function givenColors(shape: KernelShape): Int32Array {
  return Int32Array.from({ length: halfOf(shape) }, (_, i) => (i * 7919 + (i >> 5) * 31) % shape.colors);
}

/** Uniforms of one row, [samples, ROW]. */
export function rowUniforms(samples: number): Float32Array {
  return Float32Array.from({ length: samples * ROW }, (_, i) => (i * 0.618033988749895) % 1);
}
