/** The kernel behind the engine interface. Calls into it are synchronous, so requests that interleave cannot mix. */

import type { SafetensorsStream } from "../../bundle/safetensors.ts";
import type { Engine, Generation, Prefix, PrefixUse, Sampling } from "../../engine.ts";
import { KernelGeneration } from "./generation.ts";
import { Kernel } from "./kernel.ts";
import { requestBytes } from "./layout.ts";
import { PagePool } from "./pages.ts";
import { KernelPrefix } from "./prefix.ts";
import { checkTensors, type KernelShape, WeightsError } from "./tensors.ts";
import { turnPositions } from "./turn.ts";

export class KernelEngine implements Engine {
  readonly name: string;
  readonly shape: KernelShape;
  #parts: { kernel: Kernel; pool: PagePool } | undefined;

  private constructor(name: string, shape: KernelShape, kernel: Kernel) {
    this.name = name;
    this.shape = shape;
    this.#parts = { kernel, pool: new PagePool(kernel.memory, kernel.layout) };
  }

  /**
   * Streams a model's weights straight into the kernel's memory: they exist once.
   * @param name the arithmetic of `module`
   * @throws WeightsError when the file is not of this shape; whatever the stream throws; RangeError when there is no memory;
   *   the signal's reason when aborted
   */
  static async load(
    name: string,
    module: WebAssembly.Module,
    shape: KernelShape,
    { header, data }: SafetensorsStream,
    signal?: AbortSignal,
  ): Promise<KernelEngine> {
    checkTensors(shape, header);
    const kernel = new Kernel(module, shape);
    let offset = 0;
    for await (const chunk of data) {
      signal?.throwIfAborted();
      kernel.writeWeights(offset, chunk);
      offset += chunk.length;
    }
    if (offset !== header.dataBytes) throw new WeightsError(`${offset} of ${header.dataBytes} bytes of weights`);
    kernel.prepare();
    return new KernelEngine(name, shape, kernel);
  }

  get residentBytes(): number {
    return this.#parts?.kernel.bytes ?? 0;
  }

  requestBytes(samples: number, given?: number, own?: number): number {
    return requestBytes(this.#alive.kernel.layout, samples, given, own);
  }

  turnPositions(samples: number): number {
    return turnPositions(this.shape, samples);
  }

  openPrefix(use: PrefixUse = {}): Prefix {
    const { kernel, pool } = this.#alive;
    return new KernelPrefix(kernel, pool, this.shape, use);
  }

  generate(prefix: Prefix, samples: number, sampling: Sampling): Generation {
    if (!Number.isInteger(samples) || samples < 1) throw new RangeError(`${samples} samples`);
    if (!(prefix instanceof KernelPrefix)) throw new TypeError("a prefix of another engine");
    const { kernel, pool } = this.#alive;
    return new KernelGeneration(kernel, pool, this.shape, prefix, samples, sampling);
  }

  release(): void {
    this.#parts = undefined;
  }

  get #alive(): { kernel: Kernel; pool: PagePool } {
    if (!this.#parts) throw new Error("the engine was released");
    return this.#parts;
  }
}
