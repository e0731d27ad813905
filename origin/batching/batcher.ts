/** A bounded queue in front of one engine, and what it makes batches of: waiting rows of one model and one length. */
import type { Bundle } from "../bundles/store.ts";
import type { ComputePool } from "../compute/pool.ts";
import {
  type GraphBatch,
  type GraphResult,
  joinBatches,
  joinResults,
  shapeKey,
  sliceBatch,
  sliceResult,
} from "../graph/batch.ts";

export interface BatcherOptions {
  /** Rows that run as one batch at most. */
  maxRows: number;
  /** Whether rows of several requests may share a batch: worth it where an engine does B rows faster than B times one. */
  joins: boolean;
  /** Rows that may wait; a request beyond them is refused. */
  maxQueueRows: number;
  /** How long a batch that isn't full waits for more, in milliseconds. */
  maxDelayMs: number;
}

/** The queue is full. */
export class QueueFull extends Error {
  override readonly name = "QueueFull";
  constructor(readonly retryAfterSeconds: number) {
    super(`the queue is full, try again in ${retryAfterSeconds} s`);
  }
}

export interface Batched {
  result: GraphResult;
  /** Milliseconds from the request's arrival to the start of its last batch. */
  queueMs: number;
  /** Milliseconds in the engine, of the batch that took longest. */
  computeMs: number;
}

/** Rows of one request that run together. */
interface Unit {
  key: string;
  bundle: Bundle;
  batch: GraphBatch;
  queuedAt: number;
  done: (part: Batched) => void;
  failed: (error: unknown) => void;
}

export type OnBatch = (facts: { rows: number; requests: number; computeMs: number }) => void;

export class Batcher {
  readonly #pool: ComputePool;
  readonly #options: BatcherOptions;
  readonly #onBatch: OnBatch;
  #queue: Unit[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** A moving average; the first guess only decides the first Retry-After. */
  #msPerRow = 500;

  constructor(pool: ComputePool, options: BatcherOptions, onBatch: OnBatch) {
    this.#pool = pool;
    this.#options = options;
    this.#onBatch = onBatch;
  }

  get queuedRows(): number {
    return this.#queue.reduce((sum, { batch }) => sum + batch.rows, 0);
  }

  /**
   * @param signal aborted when nobody waits for the result any more: what has not begun is dropped
   * @throws QueueFull; the engine's error; the signal's reason
   */
  async submit(bundle: Bundle, batch: GraphBatch, signal: AbortSignal): Promise<Batched> {
    signal.throwIfAborted();
    const waiting = this.queuedRows;
    // What an empty queue could not hold is still served, alone.
    if (waiting > 0 && waiting + batch.rows > this.#options.maxQueueRows)
      throw new QueueFull(this.#retryAfter(waiting));
    const parts = await Promise.all(this.#split(batch).map((unit) => this.#enqueue(bundle, unit, signal)));
    return {
      result: joinResults(parts.map(({ result }) => result)),
      queueMs: Math.max(...parts.map(({ queueMs }) => queueMs)),
      computeMs: Math.max(...parts.map(({ computeMs }) => computeMs)),
    };
  }

  /** A request's rows spread evenly over the threads, in units that fit a batch. */
  #split(batch: GraphBatch): GraphBatch[] {
    const units = Math.max(Math.ceil(batch.rows / this.#options.maxRows), Math.min(batch.rows, this.#pool.threads));
    const border = (i: number) => Math.floor((i * batch.rows) / units);
    return Array.from({ length: units }, (_, i) => sliceBatch(batch, border(i), border(i + 1)));
  }

  #enqueue(bundle: Bundle, batch: GraphBatch, signal: AbortSignal): Promise<Batched> {
    return new Promise((resolve, reject) => {
      const key = `${bundle.directory} ${shapeKey(batch)}`;
      const abort = () => {
        this.#queue = this.#queue.filter((other) => other !== unit);
        reject(signal.reason);
      };
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T) => {
          signal.removeEventListener("abort", abort);
          act(value);
        };
      const unit: Unit = {
        key,
        bundle,
        batch,
        queuedAt: performance.now(),
        done: settle(resolve),
        failed: settle(reject),
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#queue.push(unit);
      this.#pump();
    });
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#pool.free > 0) {
      const [oldest] = this.#queue;
      if (!oldest) return;
      const units = this.#takeWith(oldest);
      const rows = units.reduce((sum, { batch }) => sum + batch.rows, 0);
      const left = oldest.queuedAt + this.#options.maxDelayMs - performance.now();
      if (this.#options.joins && rows < this.#options.maxRows && left > 0) {
        this.#timer = setTimeout(() => this.#pump(), left);
        return;
      }
      this.#queue = this.#queue.filter((unit) => !units.includes(unit));
      void this.#run(units, rows);
    }
  }

  /** The oldest unit and those after it that may share its batch. */
  #takeWith(oldest: Unit): Unit[] {
    if (!this.#options.joins) return [oldest];
    const units: Unit[] = [];
    let rows = 0;
    for (const unit of this.#queue) {
      if (unit.key !== oldest.key || rows + unit.batch.rows > this.#options.maxRows) continue;
      units.push(unit);
      rows += unit.batch.rows;
    }
    return units;
  }

  async #run(units: readonly Unit[], rows: number): Promise<void> {
    const [{ bundle }] = units as [Unit, ...Unit[]];
    const started = performance.now();
    try {
      const { result, computeMs } = await this.#pool.run(bundle, joinBatches(units.map(({ batch }) => batch)));
      this.#msPerRow += (computeMs / rows - this.#msPerRow) / 8;
      this.#onBatch({ rows, requests: units.length, computeMs });
      let at = 0;
      for (const { batch, queuedAt, done } of units) {
        done({ result: sliceResult(result, rows, at, at + batch.rows), queueMs: started - queuedAt, computeMs });
        at += batch.rows;
      }
    } catch (error) {
      for (const { failed } of units) failed(error);
    }
    this.#pump();
  }

  #retryAfter(waitingRows: number): number {
    const seconds = (waitingRows * this.#msPerRow) / this.#pool.threads / 1000;
    return Math.min(60, Math.max(1, Math.ceil(seconds)));
  }
}
