/**
 * The kernel's linear memory, as one table. In order of address: what a step works on, the weights, then key/value pages
 * (kernel/assembly/cache.ts), taken and given back by `PagePool`.
 *
 *   |0 .. GUARD | region, guard | region, guard | ... | weights, guard | page | page | ... grows
 *
 * Guards are never read or written; the tests fill them with a pattern.
 */
import { type KernelShape, weightBytes } from "./tensors.ts";

/** Rows (samples, or positions of a prefix) that go through the model at once. */
export const ROWS = 32;
/** Positions that one call generates at most: a row of a 32x32 picture, half of a 64x64 one's. */
export const STEPS = 32;
/** Positions of a key/value page; kernel/assembly/cache.ts has the same number. */
export const PAGE_POSITIONS = 64;
/** Bytes between two regions. */
export const GUARD = 64;
/** WebAssembly's unit of memory. */
export const WASM_PAGE = 65_536;

export interface Region {
  readonly name: RegionName;
  readonly address: number;
  readonly bytes: number;
}

/** Names of the kernel's exported globals that hold addresses. */
export type RegionName = (typeof TABLE)[number]["name"];

export interface Layout {
  readonly regions: readonly Region[];
  readonly byName: Readonly<Record<RegionName, Region>>;
  /** Pages of a full context. */
  readonly tableEntries: number;
  /** Where the first key/value page may lie, and the bytes of each. */
  readonly pagesAddress: number;
  readonly pageBytes: number;
}

const F32 = 4;
const I32 = 4;
const contextPages = (s: KernelShape) => Math.ceil(s.positions / PAGE_POSITIONS);

/** Every region: bytes as a function of the shape (L layers, width d, H heads, `colors`), and what it holds. */
const TABLE = [
  // The first one: kernel/assembly/state.ts knows its address.
  { name: "constants", bytes: () => 320, holds: "vector constants of the kernel's loops" },
  { name: "inputs", bytes: () => ROWS * I32, holds: "colour before each row's position, -1 = start vector" },
  { name: "rowPositions", bytes: () => ROWS * I32, holds: "each row's position" },
  { name: "tables", bytes: (s) => ROWS * contextPages(s) * I32, holds: "each row's page addresses" },
  { name: "targets", bytes: () => ROWS * STEPS * I32, holds: "given colours in, drawn colours out" },
  { name: "forced", bytes: () => ROWS * STEPS * I32, holds: "colour to force, -1 = draw" },
  { name: "uniforms", bytes: () => ROWS * STEPS * F32, holds: "one a position, in [0, 1)" },
  { name: "nll", bytes: () => ROWS * STEPS * F32, holds: "nats of each given or drawn colour" },
  { name: "features", bytes: (s) => (s.layers + 1) * s.width * F32, holds: "sums over positions of norm(h_l)" },
  { name: "state", bytes: (s) => ROWS * s.width * F32, holds: "residual stream" },
  { name: "normed", bytes: (s) => ROWS * s.width * F32, holds: "a block's input; attention's output" },
  { name: "wide", bytes: (s) => Math.max(ROWS * 4 * s.width, s.colors) * F32, holds: "q k v; MLP; colour weights" },
  { name: "quantised", bytes: (s) => ROWS * 4 * s.width, holds: "activations as bytes" },
  { name: "rowScales", bytes: () => ROWS * 2 * F32, holds: "their scale and offset" },
  { name: "queries", bytes: (s) => (ROWS * 4 * s.width) / s.heads, holds: "int8 queries of one head, fourfold" },
  { name: "queryStates", bytes: () => ROWS * 48, holds: "scale, correction, largest scores, softmax sums" },
  { name: "scores", bytes: (s) => ROWS * contextPages(s) * PAGE_POSITIONS * F32, holds: "of one head, then weights" },
  { name: "logits", bytes: (s) => ROWS * s.colors * F32, holds: "of each row" },
  { name: "order", bytes: (s) => s.colors * 8, holds: "colours by likelihood, for top-k and top-p" },
  { name: "rowSums", bytes: (s) => (s.layers * 9 * s.width + s.colors) * F32, holds: "sums of the weights' rows" },
  { name: "weights", bytes: weightBytes, holds: "the data of weights.safetensors; linear ones packed in place" },
] as const satisfies readonly { name: string; bytes: (shape: KernelShape) => number; holds: string }[];

export function layoutOf(shape: KernelShape): Layout {
  const regions: Region[] = [];
  let address = GUARD;
  for (const { name, bytes } of TABLE) {
    const region = { name, address, bytes: bytes(shape) };
    regions.push(region);
    address = align(address + region.bytes + GUARD);
  }
  const headBlock = PAGE_POSITIONS * ((2 * shape.width) / shape.heads + 2 * F32);
  return {
    regions,
    byName: Object.fromEntries(regions.map((region) => [region.name, region])) as Record<RegionName, Region>,
    tableEntries: contextPages(shape),
    pagesAddress: address,
    pageBytes: shape.layers * shape.heads * headBlock,
  };
}

/**
 * The most bytes that a request for `samples` samples adds: pages, and the sums that a prefix keeps outside.
 * Samples share the full pages of the prefix; each copies the page in which it begins.
 * @param samples 0: the prefix alone
 * @param given positions of the prefix; unknown: the worst of all
 * @param own positions in whole pages that the samples hold for themselves at most, all together; unknown: the worst of all
 */
export function requestBytes(layout: Layout, samples: number, given?: number, own = Number.POSITIVE_INFINITY): number {
  const all = layout.tableEntries;
  const shared = given === undefined ? 0 : Math.floor(given / PAGE_POSITIONS);
  const prefix = given === undefined ? 1 : Math.ceil(given / PAGE_POSITIONS);
  const pages = samples === 0 ? all : prefix + Math.min(samples * (all - shared), Math.ceil(own / PAGE_POSITIONS));
  return pages * layout.pageBytes + layout.byName.features.bytes;
}

/** Regions start at multiples of a cache line. */
function align(address: number): number {
  return Math.ceil(address / 64) * 64;
}
