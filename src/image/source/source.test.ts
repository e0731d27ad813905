import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountingAdmission, fixture } from "../../../test/image/fixtures.ts";
import { Turns } from "../../scheduling/turns.ts";
import { type ImageContext, type ImageInput, readPicture } from "../index.ts";
import { bytesOfBase64 } from "./base64.ts";

const png = fixture("rgb.png");
const base64 = Buffer.from(png).toString("base64");

/** No bucket: what reads one is tested in workerd. */
const context = (more: Partial<ImageContext> = {}): ImageContext => ({
  bucket: undefined as unknown as R2Bucket,
  admission: new CountingAdmission(),
  turns: new Turns(),
  fetch: () => Promise.reject(new Error("nothing is to be fetched")),
  resolver: async () => ["93.184.215.14"],
  ...more,
});

describe("one picture, in exactly one form", () => {
  it.each<[string, ImageInput]>([
    ["none", {}],
    ["nulls", { base64: null, file: null, url: null, id: null }],
    ["base64 and id", { base64, id: "x" }],
    ["url and file", { url: "https://example.com/", file: new Blob() }],
    ["an empty url", { url: "" }],
  ])("%s is refused with advice", async (_, input) => {
    await expect(readPicture(input, 32, context())).rejects.toMatchObject({
      code: "BAD_IMAGE",
      message: expect.stringContaining("exactly one of base64, file, url and id"),
    });
  });

  it("is the same picture in each form", async () => {
    const fetcher = async () => new Response(png);
    const inputs: ImageInput[] = [
      { base64 },
      { base64: `data:image/png;base64,${base64}` },
      { base64: `DATA:;BASE64,${encodeURIComponent(base64)}` },
      { base64: base64.replace(/.{76}/g, "$&\r\n") },
      { base64: base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") },
      { file: new Blob([png]) },
      { file: Promise.resolve(new File([png], "x.png")) },
      { url: "https://example.com/x.png" },
    ];
    const pictures = await Promise.all(inputs.map((input) => readPicture(input, 32, context({ fetch: fetcher }))));
    for (const picture of pictures) expect(picture).toEqual(pictures[0]);
  });
});

describe("base64", () => {
  it("gives back any bytes", () => {
    const some = fc.uint8Array({ maxLength: 3000 });
    fc.assert(
      fc.property(some, (bytes) => {
        expect(bytesOfBase64(Buffer.from(bytes).toString("base64"), 1e6)).toEqual(bytes);
      }),
    );
  });

  it("is decoded whole when it is longer than a step", () => {
    const bytes = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 31) & 255);
    expect(bytesOfBase64(Buffer.from(bytes).toString("base64"), 1e6)).toEqual(bytes);
  });

  it.each([
    "$$$$",
    "abcde",
    "a===",
    "data:image/png,hello",
    "data:image/png;base64",
    "äöü",
    "https://example.com/a.png",
  ])("refuses %s", async (text) => {
    await expect(readPicture({ base64: text }, 32, context())).rejects.toMatchObject({ code: "BAD_IMAGE" });
  });

  it("is empty", async () => {
    await expect(readPicture({ base64: "" }, 32, context())).rejects.toMatchObject({ code: "BAD_IMAGE" });
  });
});

describe("too many bytes", () => {
  const limits = { maxBytes: 1000 };
  it.each<[string, ImageInput]>([
    ["base64", { base64 }],
    ["a little too much base64", { base64: Buffer.alloc(1001).toString("base64") }],
    ["file", { file: new Blob([png]) }],
    ["url", { url: "https://example.com/" }],
  ])("%s", async (_, input) => {
    const fetcher = async () => new Response(png);
    await expect(readPicture(input, 32, context({ limits, fetch: fetcher }))).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: expect.stringContaining("0.001 MB"),
    });
  });
});

describe("url", () => {
  it.each([404, 500, 204, 304])("that answers with %d is no picture", async (status) => {
    const fetcher = async () => new Response(null, { status });
    await expect(readPicture({ url: "https://example.com/" }, 32, context({ fetch: fetcher }))).rejects.toMatchObject({
      code: "BAD_IMAGE",
    });
  });

  it("that cannot be fetched is a bad image, one of the inside is refused", async () => {
    await expect(readPicture({ url: "https://example.com/" }, 32, context())).rejects.toMatchObject({
      code: "BAD_IMAGE",
    });
    await expect(readPicture({ url: "https://10.0.0.1/" }, 32, context())).rejects.toMatchObject({
      code: "URL_REFUSED",
    });
    await expect(readPicture({ url: "not a url" }, 32, context())).rejects.toMatchObject({ code: "URL_REFUSED" });
  });
});

it("a file that is none is refused", async () => {
  for (const file of ["text", {}, 3]) {
    const input = { file: file as unknown as Blob };
    await expect(readPicture(input, 32, context())).rejects.toMatchObject({ code: "BAD_IMAGE" });
  }
});
