import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LEASE_TTL_MS, MemoryBudget } from "./budget.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets waiters look a few times. */
const tick = (ms = 50) => vi.advanceTimersByTimeAsync(ms);

/** What has been granted so far, by name, in order. */
function observe(budget: MemoryBudget) {
  const granted: string[] = [];
  const ask = (name: string, bytes: number, signal?: AbortSignal) => {
    const lease = budget.acquire(bytes, signal);
    lease.then(
      () => granted.push(name),
      (error) => granted.push(`${name}: ${error.code ?? error.message}`),
    );
    return lease;
  };
  return { granted, ask };
}

test("tells how long somebody waited, and nothing of who did not have to", async () => {
  const waits: number[] = [];
  const budget = new MemoryBudget({ capacity: 100, maxWaitMs: 500, onWait: (ms) => waits.push(ms) });
  const a = await budget.acquire(60);
  expect(waits).toEqual([]);
  const b = budget.acquire(60);
  const c = expect(budget.acquire(100)).rejects.toMatchObject({ code: "BUSY" });
  await tick(200);
  a.release();
  await tick(400);
  await Promise.all([b, c]);
  expect(waits).toEqual([expect.closeTo(200, -2), expect.closeTo(500, -2)]);
});

test("grants at once what fits, and the rest when it does", async () => {
  const budget = new MemoryBudget({ capacity: 100 });
  const { granted, ask } = observe(budget);
  const a = await ask("a", 60);
  ask("b", 60);
  await tick();
  expect(granted).toEqual(["a"]);
  expect(budget.used).toBe(60);
  a.release();
  a.release();
  await tick();
  expect(granted).toEqual(["a", "b"]);
  expect(budget.used).toBe(60);
});

test("a large request is not overtaken by small ones that would fit", async () => {
  const budget = new MemoryBudget({ capacity: 100 });
  const { granted, ask } = observe(budget);
  const small = await ask("small 1", 10);
  ask("large", 95);
  ask("small 2", 10);
  await tick();
  expect(granted).toEqual(["small 1"]);
  small.release();
  await tick();
  expect(granted).toEqual(["small 1", "large"]);
});

test("more than there is at all is JOB_TOO_LARGE at once, and blocks nobody", async () => {
  const budget = new MemoryBudget({ capacity: 100 });
  await expect(budget.acquire(101)).rejects.toMatchObject({ code: "JOB_TOO_LARGE" });
  expect((await budget.acquire(100)).bytes).toBe(100);
});

test("the queue is bounded in length and in time", async () => {
  const budget = new MemoryBudget({ capacity: 100, maxWaiting: 2, maxWaitMs: 1000 });
  const { granted, ask } = observe(budget);
  await ask("a", 100);
  for (const name of ["b", "c", "d"]) ask(name, 1).catch(() => {});
  await tick();
  expect(granted).toEqual(["a", "d: BUSY"]);
  await tick(1100);
  expect(granted).toEqual(["a", "d: BUSY", "b: BUSY", "c: BUSY"]);
  expect(budget.waiting).toBe(0);
});

test("who is aborted leaves the queue with the signal's reason", async () => {
  const budget = new MemoryBudget({ capacity: 100 });
  const { granted, ask } = observe(budget);
  const a = await ask("a", 100);
  const controller = new AbortController();
  ask("b", 50, controller.signal).catch(() => {});
  ask("c", 50);
  controller.abort(new Error("left"));
  await tick();
  a.release();
  await tick();
  expect(granted).toEqual(["a", "b: left", "c"]);
  await expect(budget.acquire(1, controller.signal)).rejects.toThrow("left");
});

describe("what requests leave behind that ended without a word", () => {
  test("their leases are taken back when somebody needs the bytes, touched ones are not", async () => {
    const budget = new MemoryBudget({ capacity: 100 });
    const lost = vi.fn();
    budget.take(50, { onExpiry: lost });
    const alive = await budget.acquire(40);
    await tick(LEASE_TTL_MS + 1);
    expect(budget.used).toBe(90);
    alive.touch();
    await budget.acquire(50);
    expect(lost).toHaveBeenCalledOnce();
    expect(budget.used).toBe(90);
  });

  test("permanent leases stay", async () => {
    const budget = new MemoryBudget({ capacity: 100, maxWaitMs: 200 });
    budget.take(80, { permanent: true });
    await tick(LEASE_TTL_MS * 2);
    const asked = budget.acquire(30);
    asked.catch(() => {});
    await tick(300);
    await expect(asked).rejects.toMatchObject({ code: "BUSY" });
  });

  test("a waiter that stopped looking is passed over", async () => {
    const budget = new MemoryBudget({ capacity: 100, maxWaitMs: 10_000 });
    const { granted, ask } = observe(budget);
    const a = await ask("a", 100);
    const schedule = globalThis.setTimeout;
    // As when a request is cancelled: its timers never fire.
    globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
    ask("gone", 100);
    globalThis.setTimeout = schedule;
    ask("b", 100);
    a.release();
    await tick(5_000);
    expect(granted).toEqual(["a", "b"]);
  });
});

test("idle holders are asked to give way before anybody waits", async () => {
  const budget = new MemoryBudget({ capacity: 100 });
  const held = [40, 40].map((bytes) => budget.take(bytes, { permanent: true }));
  budget.onPressure(() => {
    const lease = held.pop();
    lease?.release();
    return lease !== undefined;
  });
  await budget.acquire(50);
  expect(held).toHaveLength(1);
  expect(budget.used).toBe(90);
});

test("never more than the capacity, first come first served, everybody served in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 60 })), { maxLength: 20 }),
      async (jobs) => {
        const budget = new MemoryBudget({ capacity: 100, maxWaitMs: 1e6 });
        const order: number[] = [];
        let most = 0;
        const work = jobs.map(async ([bytes, ms], i) => {
          const lease = await budget.acquire(bytes);
          order.push(i);
          most = Math.max(most, budget.used);
          await new Promise((resolve) => setTimeout(resolve, ms));
          lease.release();
        });
        await vi.advanceTimersByTimeAsync(20 * 200);
        await Promise.all(work);
        expect(most).toBeLessThanOrEqual(100);
        expect(order).toEqual(jobs.map((_, i) => i));
        expect(budget.used).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
});
