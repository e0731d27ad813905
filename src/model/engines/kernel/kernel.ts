/** The compiled kernel on its memory: typed access to its regions and entry points, and no state beyond the weights. */

import type { Sampling } from "../../engine.ts";
import { type Layout, layoutOf, type RegionName, ROWS, STEPS, WASM_PAGE } from "./layout.ts";
import type { KernelShape } from "./tensors.ts";

/** kernel/assembly/index.ts and state.ts. */
interface KernelExports {
  setup(): void;
  prepare(): void;
  prefill(rows: number, depth: number, score: boolean): void;
  generate(rows: number, steps: number, temperature: number, topK: number, topP: number): void;
}

/** One row of a batch: its position, the colour before it (-1: none), and its pages up to that position. */
export interface BatchRow {
  position: number;
  input: number;
  pages: readonly number[];
}

export class Kernel {
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  readonly #exports: KernelExports;

  /** Everything but the weights: stream them in with `writeWeights`, then call `prepare`. */
  constructor(module: WebAssembly.Module, shape: KernelShape) {
    this.layout = layoutOf(shape);
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(this.layout.pagesAddress / WASM_PAGE) });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.#exports = exports as unknown as KernelExports;
    const { layers, width, heads, positions, colors } = shape;
    const { tableEntries } = this.layout;
    setGlobals(exports, { layers, width, heads, positions, colors, biases: shape.bias ? 1 : 0, tableEntries });
    const [constants, ...others] = this.layout.regions;
    if (constants?.address !== constantsAddress(exports)) throw new Error("the kernel's constants lie elsewhere");
    setGlobals(exports, Object.fromEntries(others.map(({ name, address }) => [name, address])));
    this.#exports.setup();
  }

  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Copies a chunk of the weight file's data to its place. @throws RangeError beyond the end of the weights */
  writeWeights(offset: number, chunk: Uint8Array): void {
    new Uint8Array(this.memory.buffer, this.layout.byName.weights.address, this.layout.byName.weights.bytes).set(
      chunk,
      offset,
    );
  }

  /** Once, after the last of the weights. */
  prepare(): void {
    this.#exports.prepare();
  }

  /** A view of a region; invalid once the memory grows. */
  ints(name: RegionName): Int32Array {
    const { address, bytes } = this.layout.byName[name];
    return new Int32Array(this.memory.buffer, address, bytes / 4);
  }

  /** A view of a region; invalid once the memory grows. */
  floats(name: RegionName): Float32Array {
    const { address, bytes } = this.layout.byName[name];
    return new Float32Array(this.memory.buffer, address, bytes / 4);
  }

  /** Sets up the rows of the next `prefill` or `generate`; at most ROWS. */
  setRows(rows: readonly BatchRow[]): void {
    if (rows.length > ROWS) throw new RangeError(`${rows.length} rows`);
    const inputs = this.ints("inputs");
    const positions = this.ints("rowPositions");
    const tables = this.ints("tables");
    rows.forEach((row, r) => {
      inputs[r] = row.input;
      positions[r] = row.position;
      tables.set(row.pages, r * this.layout.tableEntries);
    });
  }

  /** Runs the rows set through `depth` blocks; `features` of the layers up to there are added to. With `score`, `targets` in and `nll` out. */
  prefill(rows: number, depth: number, score: boolean): void {
    this.#exports.prefill(rows, depth, score);
  }

  /** Runs the rows set for `steps` positions; `forced` and `uniforms` [rows, steps] in, `targets` and `nll` out. */
  generate(rows: number, steps: number, { temperature, topK, topP }: Sampling): void {
    if (steps > STEPS) throw new RangeError(`${steps} steps`);
    this.#exports.generate(rows, steps, temperature, topK, topP);
  }
}

function constantsAddress(exports: WebAssembly.Exports): unknown {
  return exports.constants instanceof WebAssembly.Global ? exports.constants.value : undefined;
}

function setGlobals(exports: WebAssembly.Exports, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    const global = exports[name];
    if (!(global instanceof WebAssembly.Global)) throw new Error(`the kernel has no global ${name}`);
    global.value = value;
  }
}
