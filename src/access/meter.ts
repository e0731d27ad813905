import { DurableObject } from "cloudflare:workers";
import { type Allowance, type DayUsage, Ledger, type Usage } from "./ledger.ts";

/** The Durable Object that keeps one key's `Ledger`, named by the key's id. Its own clock is the one that counts. */
export class Meter extends DurableObject<Env> {
  private readonly ledger = new Ledger(this.ctx.storage.sql);

  /** @returns also when it was counted, for `returnRequest`. */
  countRequest(limit: number | null): Allowance & { countedAt: number } {
    const countedAt = Date.now();
    return { ...this.ledger.countRequest(limit, countedAt), countedAt };
  }

  returnRequest(countedAt: number): void {
    this.ledger.returnRequest(countedAt);
  }

  reserve(id: string, pixels: number, limit: number | null, keepMs: number): Allowance {
    return this.ledger.reserve(id, pixels, limit, keepMs, Date.now());
  }

  settle(id: string, pixels: number): void {
    this.ledger.settle(id, pixels);
  }

  usage(): Usage {
    return this.ledger.usage(Date.now());
  }

  usageByDay(days: number): DayUsage[] {
    return this.ledger.usageByDay(days, Date.now());
  }
}
