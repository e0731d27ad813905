import { checkAncestors, type Generation, type Row, type RowResult, type Sampling } from "../../engine.ts";
import type { Kernel } from "./kernel.ts";
import { PAGE_POSITIONS, ROWS, STEPS } from "./layout.ts";
import type { PagePool } from "./pages.ts";
import type { KernelPrefix } from "./prefix.ts";
import type { KernelShape } from "./tensors.ts";

interface Sample {
  input: number;
  pages: number[];
}

/** Samples that continue a prefix. */
export class KernelGeneration implements Generation {
  readonly #kernel: Kernel;
  readonly #pool: PagePool;
  readonly #shape: KernelShape;
  readonly #sampling: Sampling;
  #samples: Sample[];
  #position: number;
  #released = false;

  constructor(
    kernel: Kernel,
    pool: PagePool,
    shape: KernelShape,
    prefix: KernelPrefix,
    samples: number,
    sampling: Sampling,
  ) {
    this.#kernel = kernel;
    this.#pool = pool;
    this.#shape = shape;
    this.#sampling = sampling;
    this.#position = prefix.length;
    this.#samples = Array.from({ length: samples }, () => ({ input: prefix.last, pages: prefix.fork() }));
  }

  get samples(): number {
    return this.#samples.length;
  }

  get position(): number {
    return this.#position;
  }

  async next(row: Row): Promise<RowResult> {
    const steps = this.#check(row);
    const tokens = new Int32Array(row.forced.length);
    const nll = new Float32Array(row.forced.length);
    for (let from = 0; from < steps; from += STEPS) {
      const count = Math.min(STEPS, steps - from);
      for (let first = 0; first < this.#samples.length; first += ROWS) {
        this.#run(row, { tokens, nll }, { steps, from, count, first });
      }
      this.#position += count;
    }
    return { tokens, nll };
  }

  resample(ancestors: ArrayLike<number>): void {
    if (this.#released) throw new Error("the generation was released");
    const before = this.#samples;
    checkAncestors(ancestors, before.length);
    const full = Math.floor(this.#position / PAGE_POSITIONS);
    const taken = new Set<number>();
    // Each that goes on keeps its pages; its further copies share the full ones, which nobody writes to any more.
    const after = Array.from(ancestors, (ancestor) => {
      const sample = before[ancestor] as Sample;
      if (!taken.has(ancestor)) {
        taken.add(ancestor);
        return sample;
      }
      return { ...sample, pages: [] };
    });
    before.forEach((sample, index) => {
      if (!taken.has(index)) this.#giveBack(sample);
    });
    // Only now that pages are free.
    after.forEach((sample, index) => {
      const ancestor = before[ancestors[index] ?? 0] as Sample;
      if (sample === ancestor) return;
      sample.pages = ancestor.pages.map((page, i) => (i < full ? this.#pool.share(page) : this.#pool.copy(page)));
    });
    this.#samples = after;
  }

  release(): void {
    this.#released = true;
    for (const sample of this.#samples) this.#giveBack(sample);
  }

  #giveBack({ pages }: Sample): void {
    for (const page of pages.splice(0)) this.#pool.give(page);
  }

  /** Up to ROWS samples for up to STEPS positions. */
  #run(row: Row, result: RowResult, part: { steps: number; from: number; count: number; first: number }): void {
    const { steps, from, count, first } = part;
    const group = this.#samples.slice(first, first + ROWS);
    for (const { pages } of group) {
      while (pages.length * PAGE_POSITIONS < this.#position + count) pages.push(this.#pool.take());
    }
    this.#kernel.setRows(group.map(({ input, pages }) => ({ input, pages, position: this.#position })));
    const forced = this.#kernel.ints("forced");
    const uniforms = this.#kernel.floats("uniforms");
    const at = (r: number) => (first + r) * steps + from;
    group.forEach((_, r) => {
      forced.set(row.forced.subarray(at(r), at(r) + count), r * count);
      uniforms.set(row.uniforms.subarray(at(r), at(r) + count), r * count);
    });
    this.#kernel.generate(group.length, count, this.#sampling);
    const drawn = this.#kernel.ints("targets");
    const nll = this.#kernel.floats("nll");
    group.forEach((sample, r) => {
      result.tokens.set(drawn.subarray(r * count, (r + 1) * count), at(r));
      result.nll.set(nll.subarray(r * count, (r + 1) * count), at(r));
      sample.input = result.tokens[at(r) + count - 1] ?? sample.input;
    });
  }

  /** @returns positions of the row */
  #check({ forced, uniforms }: Row): number {
    if (this.#released) throw new Error("the generation was released");
    const steps = forced.length / this.#samples.length;
    if (!Number.isInteger(steps) || uniforms.length !== forced.length) {
      throw new RangeError(`${forced.length} forced, ${uniforms.length} uniforms for ${this.#samples.length} samples`);
    }
    if (this.#position + steps > this.#shape.positions) {
      throw new RangeError(`${this.#position} + ${steps} of ${this.#shape.positions} positions`);
    }
    for (const color of forced) if (color >= this.#shape.colors) throw new RangeError(`colour ${color}`);
    return steps;
  }
}
