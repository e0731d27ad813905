import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import { ROOT } from "../../scripts/lib/root.ts";
import { difference, expectations, fixture } from "./fixtures.ts";

interface Read {
  rgb: number[];
  id: string;
  url: string;
  dataUri: string;
  thumbhash: string;
  /** Bytes of the largest WASM memory. */
  peak: number;
  code?: string;
}

const harness = createTestHarness({ root: ROOT, workers: [{ configPath: "test/image/wrangler.toml" }] });
let base: URL;

beforeAll(async () => {
  base = (await harness.listen()).url;
});
afterAll(() => harness.close());

async function read(file: Uint8Array): Promise<{ status: number; answer: Read }> {
  const response = await fetch(new URL("/read", base), { method: "POST", body: Buffer.from(file) });
  return { status: response.status, answer: (await response.json()) as Read };
}

describe("in workerd", () => {
  it.each([...expectations()])("%s is read", async (name, expected) => {
    const { status, answer } = await read(fixture(name));
    expect(answer.code).toBeUndefined();
    expect(status).toBe(200);
    const { mean, most } = difference(Uint8Array.from(answer.rgb), expected);
    expect(mean).toBeLessThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(14);
  });
});
