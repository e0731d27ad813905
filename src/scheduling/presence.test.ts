import { expect, test } from "vitest";
import { Presence } from "./presence.ts";

function setUp() {
  const clock = { now: 1_000 };
  return { clock, presence: new Presence({ now: () => clock.now }) };
}

test("a request is alone until another one comes, and again when that has left", async () => {
  const { presence } = setUp();
  const [mine, other] = [{}, {}];
  presence.enter(mine);
  expect(presence.isAlone(mine)).toBe(true);
  presence.enter(other);
  expect([mine, other].map((who) => presence.isAlone(who))).toEqual([false, false]);
  presence.leave(other);
  expect(presence.isAlone(mine)).toBe(true);
});

test("work of no request, a job's, is alone while no request is there", () => {
  const { presence } = setUp();
  expect(presence.isAlone(undefined)).toBe(true);
  const other = {};
  presence.enter(other);
  expect(presence.isAlone(undefined)).toBe(false);
  presence.leave(other);
  expect(presence.isAlone(undefined)).toBe(true);
});

test("a request that ended without a word is forgotten after a while", () => {
  const { clock, presence } = setUp();
  const mine = {};
  presence.enter({});
  clock.now += 11_000;
  presence.enter(mine);
  expect(presence.isAlone(mine)).toBe(true);
});
