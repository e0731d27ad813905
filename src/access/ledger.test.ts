import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Ledger, type Sql } from "./ledger.ts";

const NOON = Date.UTC(2026, 10, 22, 12);
const HOUR = 3600_000;

/** A real SQLite, called as a Durable Object calls its own. */
function sqlite(): Sql {
  const db = new DatabaseSync(":memory:");
  return { exec: (query, ...bindings) => ({ toArray: rows(db, query, bindings) }) };
}

function rows(db: DatabaseSync, query: string, bindings: (string | number | null)[]) {
  const result = db.prepare(query).all(...bindings);
  return () => result as Record<string, unknown>[];
}

let ledger: Ledger;
beforeEach(() => {
  ledger = new Ledger(sqlite());
});

describe("requests a minute", () => {
  it("are never more than the limit in any 60 seconds", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 80 }),
        fc.integer({ min: 1, max: 6 }),
        (gaps, limit) => {
          const fresh = new Ledger(sqlite());
          const granted: number[] = [];
          let now = NOON;
          for (const gap of gaps) {
            now += gap;
            if (fresh.countRequest(limit, now).granted) granted.push(now);
          }
          for (const start of granted) {
            expect(granted.filter((time) => time >= start && time < start + 60_000).length).toBeLessThanOrEqual(limit);
          }
        },
      ),
    );
  });

  it("say when to come back, and then there is room", () => {
    for (let i = 0; i < 3; i++) expect(ledger.countRequest(3, NOON + i * 10_000).granted).toBe(true);
    const refused = ledger.countRequest(3, NOON + 30_000);
    expect(refused).toMatchObject({ granted: false, remaining: 0 });
    const later = NOON + 30_000 + refused.resetSeconds * 1000;
    expect(ledger.countRequest(3, later)).toMatchObject({ granted: true });
    expect(later - NOON).toBeLessThanOrEqual(62_000);
  });

  it("can be given back", () => {
    ledger.countRequest(1, NOON);
    ledger.returnRequest(NOON);
    expect(ledger.countRequest(1, NOON + 1).granted).toBe(true);
    expect(ledger.usageByDay(1, NOON)).toEqual([{ day: "2026-11-22", requests: 1, pixels: 0 }]);
  });

  it("are counted without a limit too", () => {
    for (let i = 0; i < 5; i++)
      expect(ledger.countRequest(null, NOON)).toMatchObject({ granted: true, remaining: null });
    expect(ledger.usage(NOON)).toEqual({ requestsThisMinute: 5, pixelsThisMonth: 0 });
  });
});

describe("pixels a month", () => {
  it("are reserved, then settled by what was made", () => {
    expect(ledger.reserve("a", 600, 1000, HOUR, NOON)).toMatchObject({ granted: true, remaining: 400 });
    expect(ledger.reserve("b", 401, 1000, HOUR, NOON)).toMatchObject({ granted: false, remaining: 400 });
    ledger.settle("a", 100);
    expect(ledger.reserve("b", 900, 1000, HOUR, NOON)).toMatchObject({ granted: true, remaining: 0 });
    ledger.settle("b", 0);
    expect(ledger.usage(NOON).pixelsThisMonth).toBe(100);
  });

  it("are settled once, and never above what was reserved", () => {
    ledger.reserve("a", 600, null, HOUR, NOON);
    ledger.settle("a", 5000);
    ledger.settle("a", 0);
    ledger.settle("unknown", 7);
    expect(ledger.usage(NOON).pixelsThisMonth).toBe(600);
  });

  it("are given back when nobody settles them", () => {
    ledger.reserve("a", 1000, 1000, HOUR, NOON);
    expect(ledger.reserve("b", 1, 1000, HOUR, NOON + HOUR - 1).granted).toBe(false);
    expect(ledger.reserve("b", 1, 1000, HOUR, NOON + HOUR).granted).toBe(true);
  });

  it("begin anew with the month", () => {
    ledger.reserve("a", 1000, 1000, 100 * 24 * HOUR, NOON);
    const { granted, resetSeconds } = ledger.reserve("b", 1, 1000, HOUR, NOON);
    expect([granted, resetSeconds]).toEqual([false, (Date.UTC(2026, 11, 1) - NOON) / 1000]);
    expect(ledger.reserve("b", 1, 1000, HOUR, NOON + resetSeconds * 1000).granted).toBe(true);
    // What is settled later belongs to the day it was reserved on.
    ledger.settle("a", 10);
    expect(ledger.usage(NOON).pixelsThisMonth).toBe(10);
  });
});

it("usage by day goes back as far as it is asked to", () => {
  for (const daysAgo of [0, 1, 5, 40]) ledger.countRequest(null, NOON - daysAgo * 24 * HOUR);
  expect(ledger.usageByDay(30, NOON).map(({ day }) => day)).toEqual(["2026-11-22", "2026-11-21", "2026-11-17"]);
  expect(ledger.usageByDay(1, NOON)).toHaveLength(1);
});
