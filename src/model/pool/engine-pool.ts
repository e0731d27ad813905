/** The engines of this isolate: loaded when wanted, shared by requests, dropped when idle and in the way. */
import type { BudgetLease, MemoryBudget } from "../../admission/budget.ts";
import { UserError } from "../../errors.ts";
import { Turns } from "../../scheduling/turns.ts";
import type { BundleFiles } from "../bundle/files.ts";
import type { Manifest } from "../bundle/manifest.ts";
import type { EngineFactory, MemoryPlan } from "../engine-factory.ts";
import { PooledEngine } from "./pooled-engine.ts";
import { PooledSession } from "./pooled-session.ts";

export interface EnginePoolOptions {
  budget: MemoryBudget;
  engine: () => Promise<EngineFactory>;
  /** The isolate's one row of turns, shared with the decoding of pictures. Default: its own. */
  turns?: Turns | undefined;
  files: (manifest: Manifest, onProgress: () => void) => BundleFiles;
  /** Keeps a shared load alive when the request that began it is cancelled. */
  waitUntil: (work: Promise<unknown>) => void;
}

/** How often a request looks whether the load that it shares has ended. */
const LOOK_MS = 5;
/** A load of another request, without a sign of life for both so long and so many looks, has died with that request. */
const STALLED_MS = 10_000;
const STALLED_LOOKS = 200;
/** Loads that a request sits through when those that others began fail for reasons of their own. */
const ATTEMPTS = 3;

interface Admitted {
  pooled: PooledEngine;
  lease: BudgetLease;
  /** This request began the load. */
  began: boolean;
}

export class EnginePool {
  readonly #options: EnginePoolOptions;
  readonly #engines = new Map<string, PooledEngine>();
  readonly #turns: Turns;
  #uses = 0;

  constructor(options: EnginePoolOptions) {
    this.#options = options;
    this.#turns = options.turns ?? new Turns();
    options.budget.onPressure(() => this.#dropIdle());
  }

  /**
   * Admits a request by its bytes, loads the model if need be, and hands out the use of it.
   * @param request samples that run at once, 0 = prefix only; positions of the prefix and, of all samples together, beside
   *   it, when known
   * @throws UserError BUSY, JOB_TOO_LARGE, MODEL_CORRUPT; the signal's reason when aborted
   */
  async open(
    manifest: Manifest,
    { samples, given, own }: { samples: number; given?: number; own?: number },
    signal?: AbortSignal,
  ): Promise<PooledSession> {
    const factory = await this.#options.engine();
    const plan = factory.plan(manifest);
    const bytes = plan.requestBytes(samples, given, own);
    for (let attempt = 1; ; attempt++) {
      let session: PooledSession | undefined;
      const admitted = await this.#admit(manifest, plan, bytes, factory, () => session?.release(), signal);
      const { pooled, lease, began } = admitted;
      const leave = () => this.#leave(pooled, bytes);
      try {
        const engine = await this.#loaded(admitted, signal);
        session = new PooledSession(engine, lease, this.#turns, leave, signal);
        return session;
      } catch (error) {
        lease.release();
        leave();
        const othersFault = !began && !(error instanceof UserError) && !signal?.aborted;
        if (!othersFault || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Says which version of a model is current: others are released, at once or after their last user. */
  setCurrent(id: string, version: string): void {
    for (const pooled of this.#engines.values()) {
      if (pooled.manifest.id !== id) continue;
      pooled.retired = pooled.manifest.version !== version;
      if (pooled.retired && pooled.idle) this.#drop(pooled);
    }
  }

  #admit(
    manifest: Manifest,
    plan: MemoryPlan,
    bytes: number,
    factory: EngineFactory,
    onExpiry: () => void,
    signal?: AbortSignal,
  ): Promise<Admitted> {
    const { budget } = this.#options;
    const key = keyOf(manifest);
    const take = (wanted: number) => budget.take(wanted, { onExpiry });
    return budget.claim(
      Math.max(plan.loadBytes, plan.residentBytes + bytes),
      () => {
        const present = this.#engines.get(key);
        const pooled = present ?? this.#reserve(manifest, plan, bytes);
        if (!pooled) return undefined;
        const lease = pooled.admit(bytes, take);
        if (!lease) {
          if (!present) pooled.release();
          return undefined;
        }
        if (!present) this.#load(key, pooled, factory);
        pooled.lastUse = ++this.#uses;
        return { pooled, lease, began: !present };
      },
      { signal, reclaim: () => this.#dropIdle(key) },
    );
  }

  /** Memory for a model that is not here yet, beside the bytes of the request that wants it. */
  #reserve(manifest: Manifest, plan: MemoryPlan, requestBytes: number): PooledEngine | undefined {
    const bytes = Math.max(plan.residentBytes, plan.loadBytes - requestBytes);
    const lease = this.#options.budget.take(bytes, { permanent: true });
    return lease && new PooledEngine(manifest, plan, lease);
  }

  /** Begins a load that everybody who wants the model shares; its outcome is left in `pooled`. */
  #load(key: string, pooled: PooledEngine, factory: EngineFactory): void {
    this.#engines.set(key, pooled);
    const files = this.#options.files(pooled.manifest, () => {
      pooled.progress++;
    });
    const work = async () => {
      try {
        const engine = await factory.load(pooled.manifest, files);
        try {
          files.assertAllVerified();
          if (pooled.gone) throw new Error("the load was given up");
        } catch (error) {
          engine.release();
          throw error;
        }
        pooled.loaded(engine);
      } catch (error) {
        pooled.failure = { error };
        this.#drop(pooled);
      }
    };
    this.#options.waitUntil(work());
  }

  async #loaded({ pooled, lease, began }: Admitted, signal?: AbortSignal) {
    let seen = pooled.progress;
    let since = Date.now();
    for (let looks = 0; pooled.loading; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      signal?.throwIfAborted();
      lease.touch();
      if (pooled.progress !== seen) {
        seen = pooled.progress;
        since = Date.now();
        looks = 0;
      } else if (!began && looks > STALLED_LOOKS && Date.now() - since > STALLED_MS) {
        this.#drop(pooled);
      }
    }
    if (pooled.engine) return pooled.engine;
    throw pooled.failure?.error ?? new Error("loading a model stopped without a result");
  }

  #leave(pooled: PooledEngine, bytes: number): void {
    pooled.requestEnded(bytes);
    if (pooled.retired && pooled.idle) this.#drop(pooled);
  }

  /** Drops the idle engine that was used the longest ago. */
  #dropIdle(except?: string): boolean {
    let oldest: PooledEngine | undefined;
    for (const [key, pooled] of this.#engines) {
      if (key === except || !pooled.idle) continue;
      if (!oldest || pooled.lastUse < oldest.lastUse) oldest = pooled;
    }
    if (oldest) this.#drop(oldest);
    return oldest !== undefined;
  }

  #drop(pooled: PooledEngine): void {
    const key = keyOf(pooled.manifest);
    if (this.#engines.get(key) === pooled) this.#engines.delete(key);
    pooled.release();
  }
}

function keyOf({ id, version }: Manifest): string {
  return `${id}@${version}`;
}
