import { AsyncLocalStorage } from "node:async_hooks";
import type { OperationSummary } from "../graphql/plugins/inspect-operation.ts";

/**
 * What is to be known of one request afterwards: for its log line and its data point. No key, no picture, no variables.
 * A Worker's clock moves at I/O alone, so a stage's time ends at the first I/O after it.
 */
export class Trace {
  /** Milliseconds by stage. */
  readonly stages: Record<string, number> = {};
  /** Codes of the errors in the response. */
  readonly codes = new Set<string>();
  /** Set once the query is parsed and found affordable. */
  operation: OperationSummary | null = null;
  keyId: string | null = null;
  model: string | null = null;
  engine: string | null = null;
  ranOn: string | null = null;
  pixels = 0;
  private readonly startedAt = Date.now();
  private lastMark = this.startedAt;

  constructor(readonly requestId: string) {}

  /** The operation's type and root fields, such as "query complete". */
  get operationName(): string {
    return this.operation ? `${this.operation.type} ${this.operation.rootFields.join(" ")}`.slice(0, 200) : "";
  }

  /** Ends a stage: it took the time since the one before it. */
  mark(stage: string): void {
    const now = Date.now();
    this.stages[stage] = (this.stages[stage] ?? 0) + now - this.lastMark;
    this.lastMark = now;
  }

  /** Notes a wait for memory: part of the stage it is in, and told beside it. */
  waited(ms: number): void {
    this.stages.queue = (this.stages.queue ?? 0) + ms;
  }

  /** Notes what computed an answer. */
  ran({ id, version }: { id: string; version: string }, engine: string, ranOn: string, pixels: number): void {
    Object.assign(this, { model: `${id}/${version}`, engine, ranOn });
    this.pixels += pixels;
  }

  /** Milliseconds so far. */
  elapsed(): number {
    return Date.now() - this.startedAt;
  }
}

const current = new AsyncLocalStorage<Trace>();

/** Runs a request's work; `currentTrace` finds the trace from anywhere in it. */
export function traced<T>(trace: Trace, work: () => T): T {
  return current.run(trace, work);
}

export function currentTrace(): Trace | undefined {
  return current.getStore();
}
