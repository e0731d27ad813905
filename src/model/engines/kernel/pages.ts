import { type Layout, WASM_PAGE } from "./layout.ts";

/** Key/value pages behind the weights, shared by counting their holders. The memory grows when none is free. */
export class PagePool {
  readonly #memory: WebAssembly.Memory;
  readonly #first: number;
  readonly #bytes: number;
  /** Holders of each page so far made. */
  readonly #holders: number[] = [];
  readonly #free: number[] = [];

  constructor(memory: WebAssembly.Memory, layout: Layout) {
    this.#memory = memory;
    this.#first = layout.pagesAddress;
    this.#bytes = layout.pageBytes;
  }

  /** Pages that somebody holds. */
  get held(): number {
    return this.#holders.length - this.#free.length;
  }

  /** The address of a page of one's own. Its bytes are whatever was there. @throws RangeError out of memory */
  take(): number {
    const index = this.#free.pop() ?? this.#make();
    this.#holders[index] = 1;
    return this.#first + index * this.#bytes;
  }

  /** One more holder of a page. */
  share(address: number): number {
    const index = this.#index(address);
    this.#holders[index] = (this.#holders[index] ?? 0) + 1;
    return address;
  }

  /** A page of one's own with another's bytes. */
  copy(address: number): number {
    const copy = this.take();
    new Uint8Array(this.#memory.buffer).copyWithin(copy, address, address + this.#bytes);
    return copy;
  }

  /** One holder less. */
  give(address: number): void {
    const index = this.#index(address);
    const holders = (this.#holders[index] ?? 0) - 1;
    this.#holders[index] = holders;
    if (holders === 0) this.#free.push(index);
  }

  #make(): number {
    const index = this.#holders.length;
    const end = this.#first + (index + 1) * this.#bytes;
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / WASM_PAGE));
    this.#holders.push(0);
    return index;
  }

  #index(address: number): number {
    return (address - this.#first) / this.#bytes;
  }
}
