import type { BudgetLease } from "../../admission/budget.ts";
import type { Manifest } from "../bundle/manifest.ts";
import type { Engine } from "../engine.ts";
import type { MemoryPlan } from "../engine-factory.ts";

/**
 * One version of one model in this isolate, loading or loaded, and its memory. A request's bytes are leased while it
 * runs; linear memory never shrinks, so what it grew by stays with the engine as slack, for the next request to use.
 */
export class PooledEngine {
  readonly manifest: Manifest;
  readonly plan: MemoryPlan;
  engine: Engine | undefined;
  /** Why it could not be loaded. */
  failure: { error: unknown } | undefined;
  /** Nobody new may use it: it failed, was given up or has been released. */
  gone = false;
  /** The index names another version now: it goes with its last user. */
  retired = false;
  /** Counts what arrives while it loads. */
  progress = 0;
  users = 0;
  /** Grows with each use; the idle engine with the lowest is dropped first. */
  lastUse = 0;
  readonly #lease: BudgetLease;
  #requests = 0;

  constructor(manifest: Manifest, plan: MemoryPlan, lease: BudgetLease) {
    this.manifest = manifest;
    this.plan = plan;
    this.#lease = lease;
  }

  get loading(): boolean {
    return !this.engine && !this.gone;
  }

  /** Loaded, and used by nobody. */
  get idle(): boolean {
    return this.engine !== undefined && this.users === 0;
  }

  /**
   * Admits a request if its bytes can be had, those out of the slack changing hands.
   * @param take leases bytes now or not at all
   */
  admit(bytes: number, take: (bytes: number) => BudgetLease | undefined): BudgetLease | undefined {
    const held = this.#lease.bytes;
    const slack = Math.max(0, held - this.#base(this.#requests + bytes));
    this.#lease.resize(held - Math.min(slack, bytes));
    const lease = take(bytes);
    if (!lease) {
      this.#lease.resize(held);
      return undefined;
    }
    this.#requests += bytes;
    this.users++;
    return lease;
  }

  /** To be called after the request's own lease was given back. */
  requestEnded(bytes: number): void {
    this.#requests -= bytes;
    this.users--;
    this.#settleMemory();
  }

  loaded(engine: Engine): void {
    this.engine = engine;
    this.#settleMemory();
  }

  /** Frees the engine and its memory. */
  release(): void {
    this.gone = true;
    this.engine?.release();
    this.engine = undefined;
    this.#lease.release();
  }

  /** What the engine itself says it holds, less what running requests hold leases for. */
  #settleMemory(): void {
    if (this.gone) return;
    const held = this.engine ? this.engine.residentBytes - this.#requests : 0;
    this.#lease.resize(Math.max(this.#base(this.#requests), held));
  }

  /** The engine's own need. While it loads, its waiters use none of their bytes, so these count towards the loading. */
  #base(requests: number): number {
    const { residentBytes, loadBytes } = this.plan;
    return this.engine ? residentBytes : Math.max(residentBytes, loadBytes - requests);
  }
}
