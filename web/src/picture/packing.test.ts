import fc from "fast-check";
import { expect, it } from "vitest";
import { packMask, unpackMask } from "./packing.ts";

it("brings any mask back, in text that needs no escape", () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom(32, 48, 64)
        .chain((side) => fc.array(fc.boolean(), { minLength: side ** 2, maxLength: side ** 2 })),
      (mask) => {
        const packed = packMask(mask);
        expect(packed).toMatch(/^[\w-]+$/);
        expect(packed.length).toBe(Math.ceil((mask.length / 8) * (4 / 3)));
        expect(unpackMask(packed, mask.length)).toEqual(mask);
      },
    ),
  );
});

it.each(["", "%", "AAAA", "ä"])("takes %j for a mask without flags", (text) => {
  expect(unpackMask(text, 1024)).toEqual(new Array(1024).fill(false));
});
