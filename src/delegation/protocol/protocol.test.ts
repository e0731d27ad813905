import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeRequest,
  decodeResponse,
  elements,
  encodeRequest,
  encodeResponse,
  fp32,
  HEADER_LENGTH,
  ProtocolError,
  type Tensor,
} from "./index.ts";

const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 });
const names = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });

/** Any tensor that JSON can hold; the binary form holds all. */
function tensors({ json }: { json: boolean }): fc.Arbitrary<Tensor> {
  const safe = { min: -BigInt(Number.MAX_SAFE_INTEGER), max: BigInt(Number.MAX_SAFE_INTEGER) };
  return fc.tuple(names, shapes).chain(([name, shape]) => {
    const length = { minLength: elements(shape), maxLength: elements(shape) };
    const float = json ? fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0) : fc.float();
    const integer = fc.bigInt(json ? safe : { min: -(2n ** 63n), max: 2n ** 63n - 1n });
    return fc.oneof(
      fc.array(float, length).map((data): Tensor => ({ name, shape, datatype: "FP32", data: Float32Array.from(data) })),
      fc.array(integer, length).map((d): Tensor => ({ name, shape, datatype: "INT64", data: BigInt64Array.from(d) })),
    );
  });
}

describe("requests", () => {
  it.each([true, false])("survive the way there (binary: %s)", (binary) => {
    fc.assert(
      fc.property(
        fc.array(tensors({ json: !binary }), { maxLength: 4 }),
        fc.option(names, { nil: undefined }),
        (inputs, id) => {
          const body = encodeRequest({ id, inputs, outputs: ["samples"] }, binary);
          const read = decodeRequest(new Headers(body.headers), body.bytes);
          expect(read.inputs).toEqual(inputs);
          expect(read.id).toBe(id);
          expect(read.outputs).toEqual(["samples"]);
          expect(read.wantsBinary("samples")).toBe(binary);
        },
      ),
    );
  });

  it("takes nested data, and an output's own wish before the request's", () => {
    const json = JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [
        {
          name: "x",
          shape: [2, 2],
          datatype: "FP32",
          data: [
            [1, 2],
            [3, 4.5],
          ],
        },
      ],
      outputs: [{ name: "a", parameters: { binary_data: false } }, { name: "b" }],
    });
    const read = decodeRequest(new Headers(), new TextEncoder().encode(json));
    expect(read.inputs[0]?.data).toEqual(Float32Array.of(1, 2, 3, 4.5));
    expect([read.wantsBinary("a"), read.wantsBinary("b")]).toEqual([false, true]);
  });
});

describe("responses", () => {
  it("survive the way back with any mixture of forms", () => {
    const outputs = fc.uniqueArray(tensors({ json: true }), { maxLength: 4, selector: ({ name }) => name });
    fc.assert(
      fc.property(outputs, fc.infiniteStream(fc.boolean()), (outputs, coin) => {
        const binary = new Set(outputs.filter(() => coin.next().value).map(({ name }) => name));
        const response = { modelName: "m", modelVersion: "3", parameters: { engine: "kernel" }, outputs };
        const body = encodeResponse(response, (name) => binary.has(name));
        expect(decodeResponse(new Headers(body.headers), body.bytes)).toEqual({ ...response, id: undefined });
      }),
    );
  });

  it("refuses every truncation and every appended byte", () => {
    const outputs = [fp32("nll", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))];
    for (const binary of [true, false]) {
      const { headers, bytes } = encodeResponse({ parameters: {}, outputs }, () => binary);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeResponse(new Headers(headers), bytes.subarray(0, length))).toThrow(ProtocolError);
      }
      const longer = new Uint8Array([...bytes, 1]);
      expect(() => decodeResponse(new Headers(headers), longer)).toThrow(ProtocolError);
    }
  });

  it("answers any garbage with a ProtocolError and nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.option(fc.string(), { nil: undefined }), (text, length) => {
        const headers = new Headers();
        if (length !== undefined) headers.set(HEADER_LENGTH, encodeURIComponent(length));
        try {
          decodeResponse(headers, new TextEncoder().encode(text));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});

it("says which values JSON cannot carry", () => {
  const inputs: Tensor[] = [fp32("u", [1], Float32Array.of(Number.NaN))];
  expect(() => encodeRequest({ inputs }, false)).toThrow("u: not every value");
  expect(() => encodeRequest({ inputs }, true)).not.toThrow();
});
