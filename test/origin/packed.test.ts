/** Bodies that come packed, and answers that are asked for packed. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../origin/config.ts";
import { Origin } from "../../origin/origin.ts";
import { decodeResponse, encodeRequest, fp32, int64 } from "../../src/delegation/protocol/index.ts";
import { SHIPPED } from "../shipped.ts";

/** Made before the origin starts: packing takes so long that connections which are kept alive would end meanwhile. */
const BOMB = gzipSync(new Uint8Array(256 * 1024 * 1024));

let origin: Origin;
let to = "";
beforeAll(async () => {
  origin = new Origin(readConfig(["--port", "0"], {}));
  to = `${await origin.listen()}/v2/models/${SHIPPED.id}/infer`;
});
afterAll(() => origin.close());

const INPUTS = [
  int64("tokens", [1, 4], [1, 2, 3, 4]),
  int64("forced", [1, 40], new Array<number>(40).fill(-1)),
  fp32("uniforms", [1, 40], new Float32Array(40).fill(0.5)),
  fp32("temperature", [1, 1], Float32Array.of(1)),
  int64("top_k", [1, 1], [0]),
  fp32("top_p", [1, 1], Float32Array.of(1)),
];
const FORMS = [true, false].map((binary) => encodeRequest({ inputs: INPUTS }, binary));
const [BINARY = encodeRequest({ inputs: INPUTS }, true)] = FORMS;

const post = (body: Uint8Array, headers: Record<string, string>) =>
  fetch(to, { method: "POST", headers, body: new Uint8Array(body) });

async function samples(response: Response): Promise<number[]> {
  expect(response.status).toBe(200);
  const { outputs } = decodeResponse(response.headers, new Uint8Array(await response.arrayBuffer()));
  return Array.from(outputs.find(({ name }) => name === "samples")?.data ?? [], Number);
}

const reason = async (response: Response) => ((await response.json()) as { error: string }).error;

describe("a packed body", () => {
  it.each([
    ["gzip", (bytes: Uint8Array): Uint8Array => gzipSync(bytes)],
    ["X-Gzip", (bytes: Uint8Array): Uint8Array => gzipSync(bytes)],
    ["deflate", (bytes: Uint8Array): Uint8Array => deflateSync(bytes, { level: 6 })],
    ["deflate", (bytes: Uint8Array): Uint8Array => deflateRawSync(bytes)],
    ["identity", (bytes: Uint8Array): Uint8Array => bytes],
  ])("%s is read, in both forms of the protocol", async (coding, pack) => {
    for (const { headers, bytes } of FORMS) {
      const response = await post(pack(bytes), { ...headers, "Content-Encoding": coding });
      expect(response.status).toBe(200);
      expect(await samples(response)).toEqual(await samples(await post(bytes, headers)));
    }
  });

  it.each([
    ["br", brotliCompressSync(BINARY.bytes)],
    ["zstd", zstdCompressSync(BINARY.bytes)],
    ["gzip, gzip", gzipSync(gzipSync(BINARY.bytes))],
  ])("%s is 415 and told what is read", async (coding, bytes) => {
    const response = await post(bytes, { ...BINARY.headers, "Content-Encoding": coding });
    expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "gzip, deflate"]);
    expect(await reason(response)).toContain("gzip or deflate");
  });

  it.each([
    ["that is not packed at all", BINARY.bytes],
    ["that ends too early", gzipSync(BINARY.bytes).subarray(0, 60)],
    ["of no bytes", new Uint8Array()],
  ])("%s is a 400 that says so", async (_, bytes) => {
    const response = await post(bytes, { ...BINARY.headers, "Content-Encoding": "gzip" });
    expect([response.status, await reason(response)]).toEqual([400, expect.stringContaining("cannot be decompressed")]);
  });

  it("counts against the limit as it is unpacked: a bomb is a 413", async () => {
    expect(BOMB.length).toBeLessThan(300 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    const response = await post(BOMB, { ...BINARY.headers, "Content-Encoding": "gzip" });
    expect([response.status, await reason(response)]).toEqual([413, expect.stringContaining("larger than")]);
    // The origin runs in this process: a whole bomb would be 256 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150 * 1024 * 1024);
  });
});

describe("an answer", () => {
  // Node's fetch unpacks what it is given.
  it.each(["gzip", "deflate"])("is packed by %s for who asks for it", async (coding) => {
    for (const { headers, bytes } of FORMS) {
      const plain = await post(bytes, { ...headers, "Accept-Encoding": "identity" });
      expect(plain.headers.get("content-encoding")).toBeNull();
      const packed = await post(bytes, { ...headers, "Accept-Encoding": coding });
      expect(packed.headers.get("content-encoding")).toBe(coding);
      expect(await samples(packed)).toEqual(await samples(plain));
    }
  });
});
