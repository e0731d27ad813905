/** The machine's limits in the kernel's own WebAssembly: the fastest of many short runs, so that others disturb least. */
import { readFile } from "node:fs/promises";
import { SHAPES, type ShapeName, weightBytesPerStep } from "./shapes.ts";
import { startSubjectWorker } from "./workerd/subject.ts";

export interface Limits {
  /** GB/s of reading as many bytes as a step of each shape reads weights. */
  streamL8: number;
  streamL12: number;
  streamIGPTS: number;
  /** Billions of 8-bit operations a second (a multiply-add is two), in registers. */
  dots: number;
  /** Where they were measured: workerd checks every access to memory in code, Node does not. */
  runtime: "workerd" | "node";
}

interface LimitsExports {
  stream(from: number, bytes: number, times: number): number;
  dots(from: number, times: number): number;
}

const DOTS = 200_000;
const OPERATIONS_PER_DOTS = 256 * 1.5;
/** In workerd a call is timed with the request that asks for it, so it does as much as many calls here. */
const REQUEST_DOTS = 4_000_000;
const REQUEST_BYTES = 4e8;

/** The limit of reading that holds for a shape. */
export function streamOf(limits: Limits, shape: ShapeName): number {
  const { streamL8, streamL12, streamIGPTS } = limits;
  return { L8: streamL8, "L8-64": streamL8, L12: streamL12, "iGPT-S": streamIGPTS }[shape];
}

/** In this process. */
export async function measureLimits(): Promise<Limits> {
  const module = await WebAssembly.compile(await readFile(new URL("../build/limits.wasm", import.meta.url)));
  const memory = new WebAssembly.Memory({ initial: 1300 });
  new Uint8Array(memory.buffer).fill(1);
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LimitsExports;
  const ms = async (work: () => void) => {
    const begin = performance.now();
    work();
    return performance.now() - begin;
  };
  return limitsFrom("node", {
    stream: async (bytes) => bytes / (await best(60, () => ms(() => exports.stream(65_536, bytes & ~255, 1)))),
    dots: async () => DOTS / (await best(60, () => ms(() => exports.dots(0, DOTS)))),
  });
}

/** In workerd, where the product runs. */
export async function measureWorkerdLimits(): Promise<Limits> {
  const worker = await startSubjectWorker();
  // The difference of many and few is what the work takes without the way there and back.
  const perTime = async (many: number, run: (times: number) => Promise<number>) => {
    const long = await best(12, () => run(2 * many));
    return (long - (await best(12, () => run(many)))) / many;
  };
  try {
    return await limitsFrom("workerd", {
      stream: async (bytes) =>
        bytes / (await perTime(Math.ceil(REQUEST_BYTES / bytes), (times) => worker.stream(bytes, times))),
      dots: async () => 1 / (await perTime(REQUEST_DOTS, (times) => worker.dots(times))),
    });
  } finally {
    await worker.close();
  }
}

/** @param rates a millisecond: bytes read, runs of `dots` */
async function limitsFrom(
  runtime: Limits["runtime"],
  rates: { stream(bytes: number): Promise<number>; dots(): Promise<number> },
): Promise<Limits> {
  const stream = async (shape: ShapeName) => (await rates.stream(weightBytesPerStep(SHAPES[shape]))) / 1e6;
  return {
    streamL8: await stream("L8"),
    streamL12: await stream("L12"),
    streamIGPTS: await stream("iGPT-S"),
    dots: (OPERATIONS_PER_DOTS * (await rates.dots())) / 1e6,
    runtime,
  };
}

/** Milliseconds: the tenth percentile of `runs` after a third as many that warm up. */
async function best(runs: number, run: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs + runs / 3; i++) {
    const ms = await run();
    if (i >= runs / 3) times.push(ms);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(runs / 10)] ?? Number.NaN;
}
