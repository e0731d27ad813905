/** The machine's limits in the kernel's own WebAssembly: the fastest of many short runs, so that others disturb least. */
import { readFile } from "node:fs/promises";
import { SHAPES, weightBytesPerStep } from "./shapes.ts";

export interface Limits {
  /** GB/s of reading as many bytes as a step of each shape reads weights. */
  streamL8: number;
  streamIGPTS: number;
  /** Billions of 8-bit operations a second (a multiply-add is two), in registers. */
  dots: number;
}

interface LimitsExports {
  stream(from: number, bytes: number, times: number): number;
  dots(from: number, times: number): number;
}

const DOTS = 200_000;
const OPERATIONS_PER_DOTS = 256 * 1.5;

export async function measureLimits(): Promise<Limits> {
  const module = await WebAssembly.compile(await readFile(new URL("../build/limits.wasm", import.meta.url)));
  const memory = new WebAssembly.Memory({ initial: 1300 });
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LimitsExports;
  new Uint8Array(memory.buffer).fill(1);
  const stream = (bytes: number) => bytes / best(() => exports.stream(65_536, bytes & ~255, 1)) / 1e6;
  return {
    streamL8: stream(weightBytesPerStep(SHAPES.L8)),
    streamIGPTS: stream(weightBytesPerStep(SHAPES["iGPT-S"])),
    dots: (OPERATIONS_PER_DOTS * DOTS) / best(() => exports.dots(0, DOTS)) / 1e6,
  };
}

/** Milliseconds: the tenth percentile of 60 runs after 20 that warm up. */
function best(work: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < 80; i++) {
    const begin = performance.now();
    work();
    if (i >= 20) times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  return times[6] ?? Number.NaN;
}
