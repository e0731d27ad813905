/** Memory granted to one piece of work; give it back exactly when the bytes are free again. */
export interface Lease {
  readonly bytes: number;
  /** Idempotent. */
  release(): void;
}

/**
 * Who wants memory asks here first: an isolate has 128 MB for all the requests that run in it at once.
 * Who waits holds no other lease, or two waiters could block each other.
 */
export interface Admission {
  /**
   * Waits, first come first served, until `bytes` fit the budget.
   * @throws UserError JOB_TOO_LARGE at once when they never will; BUSY when the bounded queue is full or the wait is too
   *   long; the signal's reason when aborted.
   */
  acquire(bytes: number, signal?: AbortSignal): Promise<Lease>;
}
