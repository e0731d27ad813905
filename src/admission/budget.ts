import { UserError } from "../errors.ts";
import type { Admission, Lease } from "./admission.ts";
import { Line } from "./line.ts";

export interface BudgetOptions {
  /** Bytes that may be leased at once. */
  capacity: number;
  /** Requests that may wait; one more is BUSY. Default 32. */
  maxWaiting?: number;
  /** The longest wait before BUSY, in milliseconds. Default 20,000. */
  maxWaitMs?: number;
  /** Told how long a request has waited, in vain too; not called when it did not have to. In the request's own context. */
  onWait?: (ms: number) => void;
}

/**
 * A lease that nobody has touched for so long belongs to a request that ended without a word (or to a client that reads
 * its stream too slowly to be waited for); it is taken back once somebody else needs the bytes.
 */
export const LEASE_TTL_MS = 30_000;

/** The bytes of one isolate. See docs/memory.md for what counts into them. */
export class MemoryBudget implements Admission {
  readonly capacity: number;
  readonly #line: Line;
  readonly #onWait: (ms: number) => void;
  readonly #leases = new Set<BudgetLease>();
  readonly #reclaimers: (() => boolean)[] = [];

  constructor({ capacity, maxWaiting = 32, maxWaitMs = 20_000, onWait = () => {} }: BudgetOptions) {
    this.capacity = capacity;
    this.#onWait = onWait;
    this.#line = new Line({ maxWaiting, maxWaitMs });
  }

  get used(): number {
    let used = 0;
    for (const lease of this.#leases) used += lease.bytes;
    return used;
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#line.length;
  }

  acquire(bytes: number, signal?: AbortSignal): Promise<BudgetLease> {
    return this.claim(bytes, () => this.take(bytes), { signal });
  }

  /**
   * Waits in the line until `take` succeeds; `take` takes all it needs at once or returns undefined.
   * @param atMost bytes that it can come to, to refuse at once what can never fit
   * @param reclaim frees something that is held but idle and says whether it did; default: whatever is idle
   */
  async claim<T>(
    atMost: number,
    take: () => T | undefined,
    { signal, reclaim = () => this.#reclaimIdle() }: { signal?: AbortSignal | undefined; reclaim?: () => boolean } = {},
  ): Promise<T> {
    if (atMost > this.capacity) throw tooLarge(atMost, this.capacity);
    const since = Date.now();
    try {
      return await this.#line.wait(() => {
        for (;;) {
          const taken = take();
          if (taken !== undefined) return taken;
          if (!this.#dropExpired() && !reclaim()) return undefined;
        }
      }, signal);
    } finally {
      const waited = Date.now() - since;
      if (waited > 0) this.#onWait(waited);
    }
  }

  /**
   * Takes bytes now or not at all, past the line: only for use inside `claim`.
   * @param onExpiry present: called when the lease is taken back for not having been touched
   */
  take(bytes: number, { permanent = false, onExpiry }: { permanent?: boolean; onExpiry?: () => void } = {}) {
    if (!Number.isFinite(bytes) || bytes < 0) throw new RangeError(`not a number of bytes: ${bytes}`);
    if (this.used + bytes > this.capacity) return undefined;
    const lease = new BudgetLease(this.#leases, bytes, permanent, onExpiry);
    this.#leases.add(lease);
    return lease;
  }

  /** Registers somebody who holds memory while idle: called when bytes are short, frees one thing or returns false. */
  onPressure(reclaim: () => boolean): void {
    this.#reclaimers.push(reclaim);
  }

  #reclaimIdle(): boolean {
    return this.#reclaimers.some((reclaim) => reclaim());
  }

  #dropExpired(): boolean {
    const now = Date.now();
    let dropped = false;
    for (const lease of this.#leases) dropped = lease.expire(now) || dropped;
    return dropped;
  }
}

export class BudgetLease implements Lease {
  readonly #all: Set<BudgetLease>;
  readonly #permanent: boolean;
  readonly #onExpiry: (() => void) | undefined;
  #bytes: number;
  #touched = Date.now();

  constructor(all: Set<BudgetLease>, bytes: number, permanent: boolean, onExpiry?: () => void) {
    this.#all = all;
    this.#bytes = bytes;
    this.#permanent = permanent;
    this.#onExpiry = onExpiry;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** States what is really held; may exceed the budget, which then grants nothing until it is within it again. */
  resize(bytes: number): void {
    this.#bytes = bytes;
  }

  /** Says that its holder is alive. */
  touch(): void {
    this.#touched = Date.now();
  }

  release(): void {
    this.#all.delete(this);
  }

  /** Takes it back if it is stale; says whether it did. */
  expire(now: number): boolean {
    if (this.#permanent || now - this.#touched < LEASE_TTL_MS || !this.#all.delete(this)) return false;
    this.#onExpiry?.();
    return true;
  }
}

function tooLarge(bytes: number, capacity: number): UserError {
  const mib = (n: number) => Math.ceil(n / 2 ** 20);
  return new UserError(
    "JOB_TOO_LARGE",
    `This request needs ${mib(bytes)} MiB of memory, and the edge has ${mib(capacity)}: ask for fewer samples or a smaller picture.`,
  );
}
