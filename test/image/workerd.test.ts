import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import { ROOT } from "../../lib/root.ts";
import { planDecode } from "../../src/image/decode/index.ts";
import { difference, expectations, fixture } from "./fixtures.ts";
import { shrunk } from "./pixels.ts";

interface Read {
  rgb: number[];
  id: string;
  url: string;
  /** By how many bytes the WASM memory that grew most has grown while it was read. */
  peak: number;
  code?: string;
}

const harness = createTestHarness({ root: ROOT, workers: [{ configPath: "test/image/wrangler.toml" }] });
let base: URL;

beforeAll(async () => {
  base = (await harness.listen()).url;
});
afterAll(() => harness.close());

async function read(file: Uint8Array, query = ""): Promise<Read> {
  const response = await fetch(new URL(`/read${query}`, base), { method: "POST", body: Buffer.from(file) });
  expect([200, 400]).toContain(response.status);
  return (await response.json()) as Read;
}

describe("pictures are read in workerd", () => {
  it.each([...expectations()])("%s, within the memory that was asked for", async (name, expected) => {
    const file = fixture(name);
    const answer = await read(file);
    expect(answer.code).toBeUndefined();
    const { mean, most } = difference(Uint8Array.from(answer.rgb), expected);
    expect(mean).toBeLessThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(14);
    expect(answer.peak).toBeLessThanOrEqual(planDecode(file).bytes);
  });

  it.each(["p3.jpg", "adobe.webp", "prophoto16.png", "grey.png", "cmyk.jpg", "cmyk-progressive.jpg", "damaged.png"])(
    "%s, in sRGB, within the memory that was asked for",
    async (name) => {
      const file = fixture(`color/${name}`);
      const answer = await read(file);
      const { mean } = difference(Uint8Array.from(answer.rgb), expectations("color/").get(name) ?? new Uint8Array());
      expect(mean).toBeLessThan(0.6);
      expect(answer.peak).toBeLessThanOrEqual(planDecode(file).bytes);
    },
  );

  it.each(["420.avif", "444.avif", "alpha.avif", "sequence.avif", "orientation6.avif", "offset.gif", "565.bmp"])(
    "%s, within the memory that was asked for, too",
    async (name) => {
      const file = fixture(`more/${name}`);
      const answer = await read(file);
      const { mean } = difference(Uint8Array.from(answer.rgb), expectations("more/").get(name) ?? new Uint8Array());
      expect(mean).toBeLessThan(1);
      expect(answer.peak).toBeLessThanOrEqual(planDecode(file).bytes);
    },
  );

  it("a phone's 12 megapixels take less than 4 MiB of WASM, progressive ones none", async () => {
    expect((await read(fixture("phone.jpg"))).peak).toBeLessThan(4 * 2 ** 20);
    expect((await read(fixture("phone-progressive.jpg"))).peak).toBe(0);
    expect((await read(fixture("phone-progressive-444.jpg"))).peak).toBe(0);
  });

  it("twenty at once, and after refused ones", async () => {
    const names = ["phone.jpg", "bomb.png", "lossy-alpha.webp", "frame.tiff", "interlaced.png"];
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => read(fixture(names[i % 5] ?? ""))));
    const code = (i: number) => all[i]?.code;
    expect([0, 1, 2, 3, 4].map(code)).toEqual([
      undefined,
      "IMAGE_TOO_LARGE",
      undefined,
      "UNSUPPORTED_IMAGE",
      undefined,
    ]);
    for (let i = 5; i < 20; i++) expect(all[i]?.rgb).toEqual(all[i % 5]?.rgb);
  });

  it("URLs of the inside are refused by workerd's URL parser's reading of them, too", async () => {
    const urls = [
      ...["https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.0.0.1./"],
      ...[
        "https://[::ffff:127.0.0.1]/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
      ],
      ...[
        "https://169.254.169.254/",
        "https://user@example.com/",
        "http://example.com/",
        "https://localhost./",
        "https://example.com:22/",
      ],
    ];
    for (const url of urls) {
      expect(await read(new Uint8Array(), `?url=${encodeURIComponent(url)}`), url).toMatchObject({
        code: "URL_REFUSED",
      });
    }
  });
});

describe("thumbnails", () => {
  let id: string;
  let rgb: number[];
  beforeAll(async () => {
    ({ id, rgb } = await read(fixture("rgb.png")));
  });

  const get = (path: string, init?: RequestInit) => fetch(new URL(`/thumbnails/${path}`, base), init);

  it.each([
    ["png", "image/png"],
    ["webp", "image/webp"],
    ["jpg", "image/jpeg"],
  ])("%s", async (format, type) => {
    for (const width of [32, 64, 128, 256, 512, 1024]) {
      for (const filter of ["nearest", "smooth"]) {
        const response = await get(`${id}.${format}?width=${width}&filter=${filter}`);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-type")).toBe(type);
        expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
        expect(response.headers.get("access-control-allow-origin")).toBe("*");
        expect(response.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
        expect(response.headers.get("x-content-type-options")).toBe("nosniff");
        expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
        const shown = await shrunk(new Uint8Array(await response.arrayBuffer()));
        if (width === 32 && format !== "jpg") expect(Array.from(shown)).toEqual(rgb);
        else expect(difference(shown, Uint8Array.from(rgb)).mean).toBeLessThan(8);
      }
    }
  });

  it("is 32 wide and crisp unless asked for otherwise", async () => {
    const plain = await (await get(`${id}.png`)).arrayBuffer();
    expect(plain).toEqual(await (await get(`${id}.png?width=32&filter=nearest`)).arrayBuffer());
  });

  it("is the same a second time, when it may come from the cache", async () => {
    const first = await get(`${id}.webp?width=512`);
    const second = await get(`${id}.webp?width=512&whatever=1`);
    expect(second.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(await second.arrayBuffer()).toEqual(await first.arrayBuffer());
    expect(second.headers.get("access-control-allow-origin")).toBe("*");
  });

  it.each([
    ["", null],
    ["?width=64&filter=smooth", null],
    ["?width=64&whatever=1", "no-store"],
    ["?width=64&width=64", "no-store"],
  ])("under %s a cache in front of the Worker is told %s", async (query, told) => {
    expect((await get(`${id}.png${query}`)).headers.get("cloudflare-cdn-cache-control")).toBe(told);
  });

  it("answers 304 to the ETag it gave, whether cached or not, and 200 to another", async () => {
    const etag = (await get(`${id}.png?width=128`)).headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[^"]+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const response = await get(`${id}.png?width=128`, { headers: { "if-none-match": known } });
      expect(response.status).toBe(304);
      expect(response.headers.get("etag")).toBe(etag);
      expect(await response.text()).toBe("");
    }
    expect((await get(`${id}.png?width=128`, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  it("has another ETag for each rendition", async () => {
    const paths = [".png", ".webp", ".jpg", ".png?width=64", ".png?width=64&filter=smooth"].map((end) => id + end);
    const tags = await Promise.all(paths.map(async (path) => (await get(path)).headers.get("etag")));
    expect(new Set(tags).size).toBe(paths.length);
  });

  it("answers HEAD as GET, without the body", async () => {
    for (let time = 0; time < 2; time++) {
      const response = await get(`${id}.jpg?width=64`, { method: "HEAD" });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("image/jpeg");
      expect(response.headers.get("etag")).toBeTruthy();
      expect(await response.text()).toBe("");
    }
  });

  it.each([
    "?width=33",
    "?width=0",
    "?width=-32",
    "?width=032",
    "?width=1e2",
    "?width=",
    "?width=2048",
    "?filter=box",
    "?filter=",
  ])("refuses %s", async (query) => {
    const response = await get(`${id}.png${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_OPTION" } }] });
  });

  it.each([".gif", ".PNG", "", ".png.exe", ".jpeg"])("refuses the extension '%s'", async (extension) => {
    expect((await get(id + extension)).status).toBe(400);
  });

  it.each(["0".repeat(64), "nothing", "%2f%2fmodels%2findex", "A".repeat(64), "%00"])(
    "knows no %s",
    async (unknown) => {
      const response = await get(`${unknown}.png`);
      expect(response.status).toBe(404);
      expect(response.headers.get("cache-control")).toBe("public, max-age=10");
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "NOT_FOUND" } }] });
    },
  );

  it("allows GET and HEAD only, and a preflight", async () => {
    const response = await get(`${id}.png`, { method: "POST" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect((await get(`${id}.png`, { method: "OPTIONS", headers: { origin: "https://a.example" } })).status).toBe(204);
  });
});

describe("light work", () => {
  it("goes before the turns of a model, which go on", async () => {
    const compute = (method = "GET") => fetch(new URL("/compute", base), { method });
    const taken = async () => Number(await (await compute()).text());
    const meanwhile = async (query = "") => Number(await (await fetch(new URL(`/trips${query}`, base))).text());
    const work = compute("POST");
    await expect.poll(taken, { timeout: 30_000 }).toBeGreaterThan(2);
    const counts = { heavy: 0, light: 0 };
    // The heavy ones first: for a second after light work turns wait for more of it, whoever comes.
    for (let i = 0; i < 5; i++) counts.heavy += await meanwhile();
    for (let i = 0; i < 5; i++) counts.light += await meanwhile("?light");
    const before = await taken();
    await expect.poll(taken, { timeout: 30_000 }).toBeGreaterThan(before + 2);
    await compute("DELETE");
    expect((await work).status).toBe(200);
    // A turn a trip for who does not say that it is light.
    expect(counts.heavy).toBeGreaterThan(50);
    expect(counts.light).toBeLessThan(counts.heavy / 2);
  });
});
