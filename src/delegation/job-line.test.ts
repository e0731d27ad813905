import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { JobLine } from "./job-line.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const open = async () => true;
const forEver = () => new Promise<never>(() => {});

it("lets as many work at once as there are places, and all in the end, about in their order", async () => {
  const line = new JobLine();
  const order: number[] = [];
  let most = 0;
  let now = 0;
  const job = (i: number) =>
    line.take(3, open, async () => {
      order.push(i);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      now--;
    });
  const jobs = Promise.all(Array.from({ length: 100 }, (_, i) => job(i)));
  await vi.advanceTimersByTimeAsync(120_000);
  await jobs;
  expect(most).toBe(3);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  // Nobody is overtaken by more than those who stand in front with it.
  for (const [at, i] of order.entries()) expect(i - at).toBeLessThan(6);
});

it("waits while it is closed", async () => {
  const line = new JobLine();
  let isOpen = false;
  const done = vi.fn();
  void line.take(
    1,
    async () => isOpen,
    async () => done(),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).not.toHaveBeenCalled();
  isOpen = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(done).toHaveBeenCalledOnce();
});

it("gives a place back when the work fails, and in the end when nothing is heard of it", async () => {
  const line = new JobLine();
  await expect(line.take(1, open, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  void line.take(1, open, forEver);
  const done = vi.fn();
  void line.take(1, open, async () => done());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(done).toHaveBeenCalledOnce();
});

it("does not wait for those in the line who are gone", async () => {
  const line = new JobLine();
  // Their requests ended: their timers never come.
  const real = globalThis.setTimeout;
  vi.stubGlobal("setTimeout", () => 0);
  const closed = async () => false;
  for (let i = 0; i < 5; i++) void line.take(1, closed, forEver);
  await vi.advanceTimersByTimeAsync(0);
  vi.stubGlobal("setTimeout", real);
  const done = vi.fn();
  void line.take(1, open, async () => done());
  await vi.advanceTimersByTimeAsync(20_000);
  expect(done).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toHaveBeenCalledOnce();
  vi.unstubAllGlobals();
});
