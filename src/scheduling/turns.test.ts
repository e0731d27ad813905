import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

const later = (ms = 0) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function request(
  turns: Turns,
  name: string,
  count: number,
  log: string[],
  work: () => Promise<void> = async () => {},
) {
  for (let i = 0; i < count; i++) {
    await turns.take(async () => {
      log.push(name);
      await work();
      log.push(name);
    });
  }
}

test("requests take turns, each before any takes another", async () => {
  const turns = new Turns();
  const log: string[] = [];
  await Promise.all(["a", "b", "c"].map((name) => request(turns, name, 4, log)));
  expect(log.join("")).toBe("aabbcc".repeat(4));
});

test("a turn that awaits is not interleaved with another", async () => {
  const turns = new Turns();
  const log: string[] = [];
  await Promise.all(["a", "b", "c"].map((name) => request(turns, name, 5, log, () => later(2))));
  for (let i = 0; i < log.length; i += 2) expect(log[i]).toBe(log[i + 1]);
  for (const name of "abc") expect(log.filter((entry) => entry === name)).toHaveLength(10);
});

test("the event loop is given a chance between turns", async () => {
  const turns = new Turns();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 0);
  for (let i = 0; i < 5; i++) await turns.take(async () => {});
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
});

test("a turn that fails leaves the way free, and its error to its own request", async () => {
  const turns = new Turns();
  await expect(turns.take(() => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  expect(await turns.take(async () => 7)).toBe(7);
});

test("an aborted request takes no further turn", async () => {
  const turns = new Turns();
  const controller = new AbortController();
  const turn = turns.take(async () => "ran", controller.signal);
  controller.abort(new Error("gone"));
  await expect(turn).rejects.toThrow("gone");
});

test("a turn whose request ended in the middle of it does not block the others for ever", async () => {
  const turns = new Turns();
  void turns.take(() => new Promise<never>(() => {}));
  await later(5);
  const log: string[] = [];
  await Promise.all([request(turns, "a", 2, log), request(turns, "b", 2, log)]);
  expect(log).toHaveLength(8);
});
