/** (Signature first; the body follows.) */
import type { Admission, Lease } from "./admission.ts";

export interface BudgetOptions {
  /** Bytes that may be leased at once. */
  capacity: number;
  /** Requests that may wait; one more is BUSY. Default 32. */
  maxWaiting?: number;
  /** The longest wait before BUSY. Default 20,000. */
  maxWaitMs?: number;
}

export declare class MemoryBudget implements Admission {
  constructor(options: BudgetOptions);
  acquire(bytes: number, signal?: AbortSignal): Promise<Lease>;
}
