/** Which engine runs which model, with a queue and threads for each. */

import type { Manifest } from "../src/model/bundle/manifest.ts";
import { factory as kernelFactory } from "../src/model/engines/kernel/factory.ts";
import { Batcher } from "./batching/batcher.ts";
import { ComputePool } from "./compute/pool.ts";
import type { EngineKind } from "./compute/runner.ts";
import type { OriginConfig } from "./config.ts";
import type { Metrics } from "./metrics.ts";

/** Rows that the kernel runs at once. */
const KERNEL_ROWS = 8;

/** What an answer, the log and the metrics say of who computed it. */
export interface EngineFacts {
  /** As `Completion.engine` names it: one name, one arithmetic. */
  engine: string;
  precision: string;
}

export class Engines {
  readonly #config: OriginConfig;
  readonly #metrics: () => Metrics;
  readonly #pools = new Map<EngineKind, { pool: ComputePool; batcher: Batcher }>();

  /** @param metrics asked for when there is something to count */
  constructor(config: OriginConfig, metrics: () => Metrics) {
    this.#config = config;
    this.#metrics = metrics;
  }

  get queuedRows(): number {
    let rows = 0;
    for (const { batcher } of this.#pools.values()) rows += batcher.queuedRows;
    return rows;
  }

  facts(manifest: Manifest): EngineFacts {
    const kind = this.#kindOf(manifest);
    return { engine: kind, precision: manifest.precision };
  }

  /** The queue of the engine that runs this model. @throws UserError MODEL_CORRUPT when the engine asked for cannot. */
  batcher(manifest: Manifest): Batcher {
    const kind = this.#kindOf(manifest);
    const existing = this.#pools.get(kind);
    if (existing) return existing.batcher;
    const made = this.#make(kind, this.facts(manifest));
    this.#pools.set(kind, made);
    return made.batcher;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.close()));
  }

  #kindOf(manifest: Manifest): EngineKind {
    const { engine } = this.#config;
    if (engine === "kernel") kernelFactory.plan(manifest);
    if (engine !== "auto") return engine;
    try {
      kernelFactory.plan(manifest);
      return "kernel";
    } catch {
      return "onnx";
    }
  }

  #make(kind: EngineKind, facts: EngineFacts): { pool: ComputePool; batcher: Batcher } {
    const { threads, batchRows, maxQueueRows, maxDelayMs } = this.#config;
    // The kernel is single-threaded: one a core. onnxruntime shares the cores out itself.
    const alone = kind === "kernel";
    const options = { kind, cores: alone ? 1 : threads };
    const pool = new ComputePool(options, alone ? threads : 1);
    const limits = { maxRows: alone ? KERNEL_ROWS : batchRows, joins: !alone, maxQueueRows, maxDelayMs };
    const batcher = new Batcher(pool, limits, ({ rows, computeMs }) => {
      const { batchRows, computeSeconds } = this.#metrics();
      batchRows.observe({ ...facts }, rows);
      computeSeconds.observe({ ...facts }, computeMs / 1000);
    });
    return { pool, batcher };
  }
}
