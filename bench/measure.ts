/** What each engine is asked: half a picture, the other half being given. */
import { GENERATED, GIVEN, ROW, type ShapeName } from "./shapes.ts";

/** An engine under measurement, loaded. */
export interface Subject {
  /** Runs the GIVEN positions. */
  prefill(): Promise<void>;
  /**
   * Runs one row (0 .. 15 of the generated half) for all samples. Rows may be skipped where a subject can stand in for
   * the cache of those before: what a step costs depends on the cache's length and not on what is in it.
   */
  row(index: number): Promise<void>;
  /** Linear memory and JS heap, or a native process's resident set. */
  peakBytes(): number;
}

export interface Measurement {
  /** Mean over the steps that were measured. */
  msPerStep: number;
  /** The same of the process's CPU time: what remains comparable when others use the machine too. */
  cpuMsPerStep: number;
  msPrefill: number;
  msHalfPicture: number;
  /** From files on disk and nothing in memory to the first generated row. */
  coldStartMs: number;
  peakMiB: number;
  /** Steps behind msPerStep; fewer than GENERATED: evenly spread rows. */
  steps: number;
}

export interface Task {
  shape: ShapeName;
  samples: number;
  /** Rows of the generated half that are measured. */
  rows: readonly number[];
}

const ROWS = GENERATED / ROW;

/** `count` of the rows, evenly spread. */
export function spreadRows(count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * ROWS) / count));
}

export const ALL_ROWS = spreadRows(ROWS);

/** Loads, warms up, and measures. */
export async function measure(load: () => Promise<Subject>, { rows }: Task): Promise<Measurement> {
  const begin = performance.now();
  const subject = await load();
  await subject.prefill();
  await subject.row(rows[0] ?? 0);
  const coldStartMs = performance.now() - begin;
  // Time for the optimising compiler to finish with what ran so far.
  await subject.prefill();
  await subject.row(rows[0] ?? 0);
  await new Promise((resolve) => setTimeout(resolve, 500));

  const prefill = await time(() => subject.prefill());
  const total = { wall: 0, cpu: 0 };
  for (const row of rows) {
    const { wall, cpu } = await time(() => subject.row(row));
    total.wall += wall;
    total.cpu += cpu;
  }
  const steps = rows.length * ROW;
  const msPerStep = total.wall / steps;
  return {
    msPerStep,
    cpuMsPerStep: total.cpu / steps,
    msPrefill: prefill.wall,
    msHalfPicture: prefill.wall + msPerStep * GENERATED,
    coldStartMs,
    peakMiB: subject.peakBytes() / 2 ** 20,
    steps,
  };
}

/** Milliseconds by the wall clock and of CPU. */
async function time(work: () => Promise<void>): Promise<{ wall: number; cpu: number }> {
  const begin = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - begin, cpu: (user + system) / 1000 };
}

/** The picture that all engines are given. */
export function givenColors(colors: number): Int32Array {
  return Int32Array.from({ length: GIVEN }, (_, i) => (i * 7919 + (i >> 5) * 31) % colors);
}

/** Uniforms of one row, [samples, ROW]. */
export function rowUniforms(samples: number): Float32Array {
  return Float32Array.from({ length: samples * ROW }, (_, i) => (i * 0.618033988749895) % 1);
}
