import fc from "fast-check";
import { expect, test } from "vitest";
import { makeSafetensors, makeWeights } from "../../../test/doubles/bundle.ts";
import { readSafetensors, SafetensorsError } from "./safetensors.ts";

async function* cut(bytes: Uint8Array, sizes: number[]) {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

async function collect(data: AsyncIterable<Uint8Array>): Promise<number[]> {
  const out: number[] = [];
  for await (const chunk of data) out.push(...chunk);
  return out;
}

test("header and data come out the same however the file is cut into chunks", async () => {
  const file = makeWeights(500, 1);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(200), { maxLength: 8 }), async (sizes) => {
      const { header, data } = await readSafetensors(cut(file, sizes), file.length);
      expect([...header.tensors.keys()]).toEqual(["scale", "weight"]);
      expect(header.tensors.get("weight")).toEqual({ dtype: "I8", shape: [500], begin: 12, end: 512 });
      expect(header.dataBytes).toBe(512);
      expect(header.dataOffset).toBe(file.length - 512);
      expect(await collect(data)).toEqual([...file.subarray(header.dataOffset)]);
    }),
  );
});

test("metadata and padding of the header are ignored", async () => {
  const padded = `${JSON.stringify({ __metadata__: { format: "pt" }, a: { dtype: "F16", shape: [2, 2], data_offsets: [0, 8] } })}   `;
  const file = makeSafetensors({}, new Uint8Array(8));
  const json = new TextEncoder().encode(padded);
  const whole = new Uint8Array([...file.subarray(0, 8), ...json, ...new Uint8Array(8)]);
  whole[0] = json.length;
  const { header } = await readSafetensors(cut(whole, []), whole.length);
  expect([...header.tensors]).toEqual([["a", { dtype: "F16", shape: [2, 2], begin: 0, end: 8 }]]);
});

const tensor = (dtype: string, shape: unknown, begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
test.each<[string, unknown]>([
  ["a hole", { a: tensor("I8", [4], 0, 4), b: tensor("I8", [3], 5, 8) }],
  ["an overlap", { a: tensor("I8", [4], 0, 4), b: tensor("I8", [5], 3, 8) }],
  ["a shape of other size", { a: tensor("F32", [4], 0, 8) }],
  ["an unknown type", { a: tensor("Q4", [8], 0, 8) }],
  ["too little data", { a: tensor("I8", [12], 0, 12) }],
  ["too much data", { a: tensor("I8", [4], 0, 4) }],
  ["a negative size", { a: tensor("I8", [-2, -4], 0, 8) }],
  ["an array", [1]],
  ["null", null],
])("refuses %s", async (_, header) => {
  const file = makeSafetensors(header, new Uint8Array(8));
  await expect(readSafetensors(cut(file, []), file.length)).rejects.toThrow(SafetensorsError);
});

test("any damage to length or header is refused, and never crashes otherwise", async () => {
  const file = makeWeights(8, 1);
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 21), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = file.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      await readSafetensors(cut(damaged, []), damaged.length).catch((error) => {
        expect(error).toBeInstanceOf(SafetensorsError);
      });
      const short = file.subarray(0, at);
      await expect(readSafetensors(cut(short, []), file.length)).rejects.toThrow(SafetensorsError);
    }),
  );
});
