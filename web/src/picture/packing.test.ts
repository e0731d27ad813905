import fc from "fast-check";
import { expect, it } from "vitest";
import { packMask, unpackMask } from "./packing.ts";

it("brings any mask back, in text that needs no escape", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1024, maxLength: 1024 }), (mask) => {
      const packed = packMask(mask);
      expect(packed).toMatch(/^[\w-]{171}$/);
      expect(unpackMask(packed)).toEqual(mask);
    }),
  );
});

it.each(["", "%", "AAAA", "ä"])("takes %j for a mask without flags", (text) => {
  expect(unpackMask(text)).toEqual(new Array(1024).fill(false));
});
