import { inflateSync } from "node:zlib";
import { thumbHashToAverageRGBA } from "thumbhash";
import { describe, expect, it } from "vitest";
import { difference } from "../../../test/image/fixtures.ts";
import { shrunk, sketch } from "../../../test/image/pixels.ts";
import { imageUrl } from "../url.ts";
import { checkWidth, widthsOf } from "../widths.ts";
import { dataUri, progressDataUri, renderPicture } from "./index.ts";
import { thumbhash } from "./thumbhash.ts";

const few = { side: 32, rgb: sketch("few") };
const many = { side: 32, rgb: sketch("many") };
const WIDTHS = [32, 64, 128, 256, 512, 1024];

describe("renderPicture", () => {
  it.each(WIDTHS)("PNG and WebP at %d keep every pixel", async (width) => {
    for (const picture of [few, many]) {
      for (const format of ["png", "webp"] as const) {
        const { bytes, contentType } = renderPicture(picture, format, width, "nearest");
        expect(contentType).toBe(`image/${format}`);
        expect(size(bytes, format)).toEqual([width, width]);
        // Averaging equal pixels and Lanczos ring a little at edges: the crisp check is against the data below.
        if (width === 32) expect(await shrunk(bytes)).toEqual(picture.rgb);
        else expect(difference(await shrunk(bytes), picture.rgb).mean).toBeLessThan(12);
      }
    }
  });

  it("repeats whole pixels in a PNG of 64x64", async () => {
    const { bytes } = renderPicture(many, "png", 64, "nearest");
    const rgb = pngPixels(bytes, 64);
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        const from = ((y >> 1) * 32 + (x >> 1)) * 3;
        expect(rgb.slice((y * 64 + x) * 3, (y * 64 + x) * 3 + 3)).toEqual(many.rgb.slice(from, from + 3));
      }
    }
  });

  it("JPEG is near, at each width", async () => {
    for (const width of WIDTHS) {
      const { bytes, contentType } = renderPicture(few, "jpg", width, "nearest");
      expect(contentType).toBe("image/jpeg");
      expect(difference(await shrunk(bytes), few.rgb).mean).toBeLessThan(8);
    }
  });

  it("smooth differs from nearest between pixels and agrees with it in flat areas", async () => {
    const smooth = renderPicture(few, "png", 256, "smooth");
    const crisp = renderPicture(few, "png", 256, "nearest");
    expect(smooth.bytes).not.toEqual(crisp.bytes);
    expect(difference(await shrunk(smooth.bytes), few.rgb).mean).toBeLessThan(6);
  });

  it("stays small", async () => {
    expect(renderPicture(few, "png", 1024, "nearest").bytes.length).toBeLessThan(4_000);
    expect(renderPicture(many, "png", 1024, "nearest").bytes.length).toBeLessThan(30_000);
    expect(renderPicture(many, "webp", 1024, "nearest").bytes.length).toBeLessThan(30_000);
  });
});

describe("data URIs", () => {
  it("are PNGs of the picture's own size unless a width is asked for", async () => {
    expect(await shrunk(bytesOf(dataUri(many)))).toEqual(many.rgb);
    expect(size(bytesOf(dataUri(many, 128)), "png")).toEqual([128, 128]);
  });

  it("show pixels that are not made yet as transparent", () => {
    const palette = Uint8Array.from([255, 0, 0, 0, 0, 255]);
    const tokens = Array.from({ length: 1024 }, (_, i) => (i < 512 ? i % 2 : -1));
    const png = bytesOf(progressDataUri(tokens, palette, 64));
    expect(size(png, "png")).toEqual([64, 64]);
    // Indexed: red, blue and the clear one, whose alpha alone is 0.
    const { PLTE, tRNS, IDAT } = chunks(png);
    const rows = unfilterUp(inflateSync(IDAT), 64);
    const colorAt = (x: number, y: number) => {
      const i = rows[y * 64 + x] ?? 0;
      return [...PLTE.slice(i * 3, i * 3 + 3), tRNS[i]];
    };
    expect(colorAt(0, 0)).toEqual([255, 0, 0, 255]);
    expect(colorAt(2, 31)).toEqual([0, 0, 255, 255]);
    expect(colorAt(0, 32)[3]).toBe(0);
    expect(colorAt(63, 63)[3]).toBe(0);
  });

  it("are refused for tokens that are none", () => {
    expect(() => progressDataUri(new Array(1024).fill(2), Uint8Array.from([0, 0, 0]))).toThrow(RangeError);
    expect(() => progressDataUri([], Uint8Array.from([0, 0, 0]))).toThrow(RangeError);
  });
});

describe("widths", () => {
  it.each([0, -32, 31, 33, 65, 2048, 1.5, Number.NaN])("%d is refused", (width) => {
    const refusal = expect.objectContaining({ code: "BAD_OPTION", message: expect.stringContaining("32, 64, 128") });
    expect(() => checkWidth(width, 32)).toThrow(refusal);
    expect(() => dataUri(few, width)).toThrow(refusal);
  });

  it("default to the picture's own", () => {
    expect(checkWidth(null, 32)).toBe(32);
    expect(checkWidth(undefined, 64)).toBe(64);
  });

  it("are the picture's own, doubled", () => {
    expect(widthsOf(32)).toEqual(WIDTHS);
    expect(widthsOf(48)).toEqual([48, 96, 192, 384, 768]);
    expect(widthsOf(64)).toEqual(WIDTHS.slice(1));
    expect(() => checkWidth(32, 64)).toThrow("64, 128, 256, 512, 1024 for a picture of 64x64, not 32");
  });
});

describe("imageUrl", () => {
  it("is absolute, on the request's origin", () => {
    const id = "a".repeat(64);
    expect(imageUrl("https://api.example:8443/graphql?query=x", id)).toBe(
      `https://api.example:8443/thumbnails/${id}.png`,
    );
    expect(imageUrl(new URL("http://127.0.0.1:1234"), id, 256, "webp")).toBe(
      `http://127.0.0.1:1234/thumbnails/${id}.webp?width=256`,
    );
  });
});

it("a thumbhash has the picture's average colour", () => {
  const rgb = new Uint8Array(3072).map((_, i) => [220, 40, 90][i % 3] ?? 0);
  const hash = Uint8Array.from(atob(thumbhash({ side: 32, rgb })), (c) => c.charCodeAt(0));
  const { r, g, b, a } = thumbHashToAverageRGBA(hash);
  expect(r).toBeCloseTo(220 / 255, 1);
  expect(g).toBeCloseTo(40 / 255, 1);
  expect(b).toBeCloseTo(90 / 255, 1);
  expect(a).toBe(1);
});

function bytesOf(uri: string): Uint8Array {
  const prefix = "data:image/png;base64,";
  expect(uri.startsWith(prefix)).toBe(true);
  return Uint8Array.from(atob(uri.slice(prefix.length)), (c) => c.charCodeAt(0));
}

function size(bytes: Uint8Array, format: "png" | "webp"): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (format === "png") return [view.getUint32(16), view.getUint32(20)];
  const bits = view.getUint32(21, true);
  return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
}

function chunks(png: Uint8Array): Record<"PLTE" | "tRNS" | "IDAT", Uint8Array> {
  const found = { PLTE: new Uint8Array(), tRNS: new Uint8Array(), IDAT: new Uint8Array() };
  const view = new DataView(png.buffer, png.byteOffset);
  for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...png.slice(at + 4, at + 8));
    if (name in found) found[name as keyof typeof found] = png.slice(at + 8, at + 8 + view.getUint32(at));
  }
  return found;
}

/** RGB of an opaque PNG that this project wrote, indexed or not. */
function pngPixels(png: Uint8Array, width: number): Uint8Array {
  const { PLTE, IDAT } = chunks(png);
  const rows = unfilterUp(inflateSync(IDAT), PLTE.length > 0 ? width : width * 3);
  if (PLTE.length === 0) return rows;
  return Uint8Array.from([...rows].flatMap((i) => [...PLTE.slice(i * 3, i * 3 + 3)]));
}

function unfilterUp(data: Uint8Array, length: number): Uint8Array {
  const rows = new Uint8Array((data.length / (length + 1)) * length);
  for (let y = 0; y * (length + 1) < data.length; y++) {
    expect(data[y * (length + 1)]).toBe(2);
    for (let i = 0; i < length; i++) {
      const above = y === 0 ? 0 : (rows[(y - 1) * length + i] ?? 0);
      rows[y * length + i] = (data[y * (length + 1) + 1 + i] ?? 0) + above;
    }
  }
  return rows;
}
