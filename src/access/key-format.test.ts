import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generateKey, isWellFormed, prefixOf, randomText } from "./key-format.ts";

describe("a key", () => {
  it("is well formed as it is made, of either kind, and has a public prefix", () => {
    for (const kind of ["SECRET", "PUBLISHABLE"] as const) {
      const key = generateKey(kind);
      expect(key).toMatch(kind === "SECRET" ? /^igpt_sk_/ : /^igpt_pk_/);
      expect(isWellFormed(key)).toBe(true);
      expect(key.startsWith(prefixOf(key))).toBe(true);
      expect(prefixOf(key)).toHaveLength(16);
    }
  });

  it("ends in zlib's CRC32, in base62", () => {
    const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const key = generateKey("SECRET");
    const value = [...key.slice(-6)].reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0);
    expect(value).toBe(crc32(key.slice(0, -6)));
  });

  it("is refused with any one character changed", () => {
    const key = generateKey("SECRET");
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom(..."0aZ_-é"), (at, character) => {
        const mistyped = key.slice(0, at) + character + key.slice(at + 1);
        expect(isWellFormed(mistyped)).toBe(mistyped === key);
      }),
    );
  });
});

it("random text uses all of the alphabet about equally", () => {
  const counts = new Map<string, number>();
  for (const character of randomText(62_000)) counts.set(character, (counts.get(character) ?? 0) + 1);
  expect(counts.size).toBe(62);
  // Six standard deviations of a binomial with n = 62,000, p = 1/62.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(190);
});
