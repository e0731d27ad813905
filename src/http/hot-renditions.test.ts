import { expect, test } from "vitest";
import { HotRenditions } from "./hot-renditions.ts";

const ignore = () => {};
const unshared = { shared: false };
const rendition = (bytes: number, contentType = "image/png") => ({ bytes: new Uint8Array(bytes), contentType });

test("what was used last is kept, within the bytes", () => {
  const hot = new HotRenditions(10_000);
  for (const key of "abc") hot.keep(key, rendition(2_500), unshared);
  expect(hot.get("a", ignore)).toBeDefined();
  hot.keep("d", rendition(2_500), unshared);
  expect([..."abcd"].filter((key) => hot.get(key, ignore))).toEqual(["a", "c", "d"]);
  expect(hot.bytes).toBeLessThanOrEqual(10_000);
});

test("one key counts once, and gives what was kept last", () => {
  const hot = new HotRenditions(10_000);
  for (let i = 0; i < 20; i++) hot.keep("a", rendition(4_000, `image/${i}`), unshared);
  expect(hot.get("a", ignore)?.contentType).toBe("image/19");
  expect(hot.bytes).toBeLessThan(5_000);
});

test("large ones are not kept", () => {
  const hot = new HotRenditions(2 ** 20);
  expect(hot.keep("a", rendition(200_000), unshared)).toBe(false);
  expect(hot.get("a", ignore)).toBeUndefined();
  expect(hot.bytes).toBe(0);
});

test("thousands stay within the bytes", () => {
  const hot = new HotRenditions(2 ** 20);
  for (let i = 0; i < 5_000; i++) hot.keep(String(i), rendition(i % 50_000), unshared);
  expect(hot.bytes).toBeLessThanOrEqual(2 ** 20);
  expect(hot.get("4999", ignore)).toBeDefined();
});

test("what is asked for again is shared, once, and what came from the shared cache never", () => {
  const hot = new HotRenditions(2 ** 20);
  hot.keep("mine", rendition(100), unshared);
  hot.keep("theirs", rendition(100), { shared: true });
  const shared: number[] = [];
  for (let i = 0; i < 3; i++) for (const key of ["mine", "theirs"]) hot.get(key, () => shared.push(i));
  expect(shared).toEqual([0]);
});
