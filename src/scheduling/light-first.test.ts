/** Light work before turns, on a clock and an event loop of the test's own: no real time passes. */
import { expect, test } from "vitest";
import { LightWork } from "./light-work.ts";
import { Turns } from "./turns.ts";

const TURN_MS = 40;

/** An event loop that goes round when told to: all that wait for it go on, in their order, and the clock moves by 1 ms. */
class Loop {
  now = 0;
  /** `now` as it was when the last trip's timers began: what a clock shows that stands still while something computes. */
  shown = 0;
  #waiting: (() => void)[] = [];
  readonly next = () => new Promise<void>((resolve) => this.#waiting.push(resolve));

  /** @param events what else happens in this trip, before the timers */
  async trip(events: () => void = () => {}): Promise<void> {
    this.now++;
    events();
    this.shown = this.now;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      resolve();
      // What the trip's earlier timers led to runs before its later ones.
      for (let i = 0; i < 100; i++) await Promise.resolve();
    }
  }
}

function setUp({ frozen = false, isAlone = (): boolean => false } = {}) {
  const loop = new Loop();
  const clock = { now: () => (frozen ? loop.shown : loop.now) };
  const light = new LightWork(clock);
  const turns = new Turns({ light, isAlone, nextLoop: loop.next, ...clock });
  const log: string[] = [];
  /** Takes turns of 40 ms, for ever. */
  const compute = async (name: string) => {
    const mine = turns.taker();
    for (;;) {
      await mine.take(() => {
        log.push(name);
        loop.now += TURN_MS;
      });
    }
  };
  return { loop, light, turns, log, compute };
}

/** Light work that needs so many trips, with a sign of life in each. */
async function lightRequest(light: LightWork, loop: Loop, trips: number, onEnd: () => void): Promise<void> {
  await light.do(async () => {
    for (let i = 0; i < trips; i++) {
      await loop.next();
      light.step();
    }
  });
  onEnd();
}

test("without light work there is one trip round the event loop between turns", async () => {
  const { loop, log, compute } = setUp();
  void compute("a");
  for (let i = 0; i < 10; i++) await loop.trip();
  expect(log).toHaveLength(10);
});

test("who is alone takes eight turns between two trips", async () => {
  const { loop, log, compute } = setUp({ isAlone: () => true });
  void compute("turn");
  for (let i = 1; i <= 5; i++) {
    await loop.trip();
    expect(log).toHaveLength(8 * i);
  }
});

test("what somebody waits for is sent before the next turn, though nobody else is there", async () => {
  const { loop, turns, log } = setUp({ isAlone: () => true });
  const mine = turns.taker();
  void (async () => {
    for (let row = 0; row < 3; row++) {
      for (let i = 0; i < 2; i++) await mine.take(() => void log.push(`row ${row}`));
      mine.flush();
    }
  })();
  for (let row = 0; row < 3; row++) {
    await loop.trip();
    expect(log).toHaveLength(2 * (row + 1));
  }
});

test("who has company from the next trip on takes one turn a trip", async () => {
  let alone = true;
  const { loop, log, compute } = setUp({ isAlone: () => alone });
  void compute("a");
  await loop.trip();
  expect(log).toHaveLength(8);
  await loop.trip(() => {
    alone = false;
    void compute("b");
  });
  for (let i = 0; i < 12; i++) {
    const before = log.length;
    await loop.trip();
    expect(log.length - before).toBeLessThanOrEqual(1);
  }
  expect(log.slice(9).join("")).toContain("aba");
});

test("who is alone does not wait for light work of its own, such as the look-up of its key", async () => {
  const { loop, light, log, compute } = setUp({ isAlone: () => true });
  await light.do(async () => {}, { more: false });
  void compute("turn");
  for (let i = 0; i < 3; i++) await loop.trip();
  expect(log).toHaveLength(24);
});

test("after thumbnails who is alone waits for more of them, as if it were not", async () => {
  const { loop, light, log, compute } = setUp({ isAlone: () => true });
  await light.do(async () => {});
  void compute("turn");
  for (let i = 0; i < 6; i++) await loop.trip();
  expect(log).toHaveLength(3);
});

test("several requests take one turn a trip, in their order", async () => {
  const { loop, log, compute } = setUp();
  for (const name of "abc") void compute(name);
  const seen = [];
  for (let i = 0; i < 12; i++) {
    const before = log.length;
    await loop.trip();
    seen.push(log.length - before);
  }
  expect(Math.max(...seen)).toBe(1);
  expect(log.join("")).toMatch(/^(abc)+(a|ab)?$/);
  expect(log.length).toBeGreaterThanOrEqual(6);
});

test("light work that needs many trips is done before the next turn", async () => {
  const { loop, light, log, compute } = setUp();
  void compute("turn");
  await loop.trip();
  void lightRequest(light, loop, 30, () => log.push("light"));
  for (let i = 0; i < 40; i++) await loop.trip();
  expect(log.slice(0, 3)).toEqual(["turn", "light", "turn"]);
});

test("what came during a turn is at work before the next one, when light work is to be expected", async () => {
  const { loop, light, log, compute } = setUp();
  void compute("turn");
  await light.do(async () => {});
  await loop.trip();
  await loop.trip();
  expect(log).toEqual(["turn"]);
  // The trip after the turn reads a request from the network; it begins in the same trip as the next look.
  void lightRequest(light, loop, 3, () => log.push("light"));
  for (let i = 0; i < 8; i++) await loop.trip();
  expect(log.slice(0, 3)).toEqual(["turn", "light", "turn"]);
});

test.each([
  ["that moves", false],
  ["that stands still while something computes, as on Cloudflare", true],
])("turns keep a third of the thread under a flood of light work, by a clock %s", async (_, frozen) => {
  const { loop, light, log, compute } = setUp({ frozen });
  void compute("turn");
  await loop.trip();
  const flood = () => {
    void light.do(() => loop.next());
    loop.now += 3;
  };
  const start = loop.now;
  const before = log.length;
  while (loop.now - start < 60_000) await loop.trip(flood);
  const share = ((log.length - before) * TURN_MS) / (loop.now - start);
  expect(share).toBeGreaterThan(0.3);
  expect(share).toBeLessThan(0.37);
});

test("light work that waits for something far away is not waited for", async () => {
  const { loop, light, log, compute } = setUp();
  void compute("turn");
  await loop.trip();
  const far = Promise.withResolvers<void>();
  const request = light.do(() => far.promise);
  for (let i = 0; i < 40; i++) await loop.trip();
  // At most a few trips for each turn.
  expect(log.length).toBeGreaterThan(7);
  far.resolve();
  await request;
});

test("light work whose request ended without a word is forgotten", async () => {
  const { loop, light } = setUp();
  void light.do(() => new Promise<never>(() => {}));
  expect(light.underWay).toBe(true);
  loop.now += 11_000;
  expect(light.underWay).toBe(false);
});

test("after a pause the first turn does not wait as if the pause had been a turn", async () => {
  const { loop, light, turns, log } = setUp();
  const turn = () => turns.take(() => void log.push("turn"));
  void turn();
  await loop.trip();
  loop.now += 3_600_000;
  void turn();
  for (let i = 0; i < 600 && log.length < 2; i++) await loop.trip(() => void light.do(() => loop.next()));
  expect(log).toHaveLength(2);
});

test("a waiter that was passed over as gone gets its turn when it looks again", async () => {
  const loop = new Loop();
  let wake = () => {};
  let asleep = false;
  const nextLoop = () => (asleep ? new Promise<void>((resolve) => (wake = resolve)) : loop.next());
  const turns = new Turns({ nextLoop, now: () => loop.now });
  const log: string[] = [];
  asleep = true;
  const sleeper = turns.take(() => void log.push("sleeper"));
  asleep = false;
  const other = turns.take(() => void log.push("other"));
  for (let i = 0; i < 300; i++) await loop.trip();
  await other;
  wake();
  for (let i = 0; i < 5; i++) await loop.trip();
  await sleeper;
  expect(log).toEqual(["other", "sleeper"]);
});

test("light work that fails is over, and its error its own", async () => {
  const { light } = setUp();
  await expect(light.do(() => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  expect(light.underWay).toBe(false);
});
