import type { Prefix, PrefixUse } from "../../engine.ts";
import type { Kernel } from "./kernel.ts";
import { PAGE_POSITIONS, ROWS } from "./layout.ts";
import type { PagePool } from "./pages.ts";
import type { KernelShape } from "./tensors.ts";

/** Given colours and their key/value pages. */
export class KernelPrefix implements Prefix {
  readonly #kernel: Kernel;
  readonly #pool: PagePool;
  readonly #shape: KernelShape;
  /** Blocks that are run. */
  readonly #depth: number;
  readonly #scored: boolean;
  readonly #pages: number[] = [];
  /** Sums over the positions so far; the kernel's region of that name is shared by all prefixes. */
  readonly #features: Float32Array;
  #length = 0;
  #last = -1;
  #released = false;

  constructor(
    kernel: Kernel,
    pool: PagePool,
    shape: KernelShape,
    { layers = shape.layers, scored = true }: PrefixUse = {},
  ) {
    if (layers < 0 || layers > shape.layers) throw new RangeError(`${layers} of ${shape.layers} layers`);
    if (scored && layers < shape.layers) throw new RangeError("only the last layer's states give nats");
    this.#depth = layers;
    this.#scored = scored;
    this.#kernel = kernel;
    this.#pool = pool;
    this.#shape = shape;
    this.#features = new Float32Array((shape.layers + 1) * shape.width);
  }

  get length(): number {
    return this.#length;
  }

  /** The colour before the next position, -1 when there is none. */
  get last(): number {
    return this.#last;
  }

  async append(tokens: Int32Array): Promise<Float32Array> {
    this.#assertHeld();
    if (this.#length + tokens.length > this.#shape.positions) {
      throw new RangeError(`${this.#length} + ${tokens.length} of ${this.#shape.positions} positions`);
    }
    for (const token of tokens) {
      if (token < 0 || token >= this.#shape.colors) throw new RangeError(`colour ${token}`);
    }
    const nll = new Float32Array(this.#scored ? tokens.length : 0);
    this.#kernel.floats("features").set(this.#features);
    for (let start = 0; start < tokens.length; start += ROWS) {
      const part = this.#run(tokens.subarray(start, start + ROWS));
      if (this.#scored) nll.set(part, start);
    }
    this.#features.set(this.#kernel.floats("features"));
    return nll;
  }

  features(): Float32Array {
    this.#assertHeld();
    const length = Math.max(1, this.#length);
    return this.#features.map((sum) => sum / length);
  }

  /** The pages of a sample that continues this prefix: full ones shared, the one it goes on in copied. */
  fork(): number[] {
    this.#assertHeld();
    if (this.#depth < this.#shape.layers)
      throw new RangeError(`a prefix of ${this.#depth} layers, not ${this.#shape.layers}`);
    const full = Math.floor(this.#length / PAGE_POSITIONS);
    return this.#pages.map((page, index) => (index < full ? this.#pool.share(page) : this.#pool.copy(page)));
  }

  release(): void {
    this.#released = true;
    for (const page of this.#pages.splice(0)) this.#pool.give(page);
  }

  /** At most ROWS positions. */
  #run(tokens: Int32Array): Float32Array {
    const first = this.#length;
    while (this.#pages.length * PAGE_POSITIONS < first + tokens.length) this.#pages.push(this.#pool.take());
    const rows = Array.from(tokens, (_, i) => ({
      position: first + i,
      input: tokens[i - 1] ?? this.#last,
      pages: this.#pages,
    }));
    this.#kernel.setRows(rows);
    this.#kernel.ints("targets").set(tokens);
    this.#kernel.prefill(tokens.length, this.#depth, this.#scored);
    this.#length += tokens.length;
    this.#last = tokens.at(-1) ?? this.#last;
    return this.#kernel.floats("nll").subarray(0, tokens.length);
  }

  #assertHeld(): void {
    if (this.#released) throw new Error("the prefix was released");
  }
}
