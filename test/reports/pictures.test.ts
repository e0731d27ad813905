/** Pictures that others' services reported trouble with; `test/reports.md` says which. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { fixture } from "../image/fixtures.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import * as surgery from "./surgery.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

const QUERY = `query ($image: ImageInput!) {
  likelihood(image: $image, model: "igpt-small") { nllPerPixel }
}`;

/** A number that two pictures share if the model sees the same in them. */
async function seen(image: Uint8Array | string): Promise<number> {
  const base64 = typeof image === "string" ? image : Buffer.from(image).toString("base64");
  const { likelihood } = await worker.data<{ likelihood: { nllPerPixel: number } }>(QUERY, { image: { base64 } });
  return likelihood.nllPerPixel;
}

const known = new Map<string, Promise<number>>();
/** The same of a picture that is well known to be read right. */
function seenIn(image: Uint8Array): Promise<number> {
  const key = createHash("sha256").update(image).digest("hex");
  const number = known.get(key) ?? seen(image);
  known.set(key, number);
  return number;
}

describe("a JPEG", () => {
  const baseline = fixture("baseline.jpg");

  it("of a phone whose sequential scan names a range of coefficients that has no meaning there", async () => {
    expect(await seen(surgery.withScanParameters(baseline, [0, 0, 0]))).toBe(await seenIn(baseline));
    expect(await seen(surgery.withScanParameters(baseline, [0, 63, 1]))).toBe(await seenIn(baseline));
  });

  it("of a scanner that writes more restart markers and bytes than its scan has", async () => {
    const rest = [0xff, 0xd2, 1, 2, 3, 0xff, 0xd3, 0xff, 0, 7, 0xff, 0xd4];
    expect(await seen(surgery.withBytesBeforeEnd(baseline, rest))).toBe(await seenIn(baseline));
    const withRestarts = fixture("422-restarts.jpg");
    expect(await seen(surgery.withBytesBeforeEnd(withRestarts, rest))).toBe(await seenIn(withRestarts));
  });

  it("with fill bytes before its markers", async () => {
    expect(await seen(surgery.withFillBytes(baseline))).toBe(await seenIn(baseline));
  });

  it("with another picture behind it is its first one", async () => {
    expect(await seen(Buffer.concat([baseline, fixture("progressive.jpg")]))).toBe(await seenIn(baseline));
    expect(await seen(Buffer.concat([fixture("progressive.jpg"), baseline]))).toBe(
      await seenIn(fixture("progressive.jpg")),
    );
  });

  it("with a thumbnail in its Exif segment is not the thumbnail", async () => {
    const content = Buffer.concat([Buffer.from("Exif\0\0"), surgery.exif(1), fixture("1x1.jpg")]);
    expect(await seen(surgery.withSegment(baseline, 0xe1, content))).toBe(await seenIn(baseline));
  });
});

/** 32 x 32 levels of grey below 2^depth, some of all. */
const greys = (depth: number) =>
  Array.from({ length: 32 }, (_, y) => Array.from({ length: 32 }, (_, x) => (x * 37 + y * 11) % 2 ** depth));

describe("a PNG", () => {
  it("is turned as its eXIf chunk says; an orientation in a text chunk is none, as in browsers", async () => {
    const rows = greys(8);
    const upright = rows.map((_, y) => rows.map((row) => row[y] ?? 0).reverse());
    const plain = surgery.png(rows, 8, 0);
    const turned = surgery.withPngChunks(plain, surgery.pngChunk("eXIf", surgery.exif(6)));
    expect(await seen(turned)).toBe(await seenIn(surgery.png(upright, 8, 0)));
    expect(await seenIn(plain)).not.toBe(await seenIn(surgery.png(upright, 8, 0)));
    const hex = Buffer.concat([Buffer.from("Exif\0\0"), surgery.exif(6)]).toString("hex");
    const text = Buffer.from(`\nexif\n${String(hex.length / 2).padStart(8)}\n${hex}\n`);
    const raw = Buffer.concat([Buffer.from("Raw profile type exif\0\0"), deflateSync(text, { level: 9 })]);
    expect(await seen(surgery.withPngChunks(plain, surgery.pngChunk("zTXt", raw)))).toBe(await seenIn(plain));
  });

  it.each([1, 2, 4, 16])("whose transparent grey has %d bits", async (depth) => {
    const rows = greys(depth);
    const key = depth === 16 ? 37 : 1;
    const keyed = surgery.png(rows, depth, 0, surgery.pngChunk("tRNS", [key >> 8, key & 255]));
    const scale = 65535 / (2 ** depth - 1);
    const shown = rows.map((row) => row.map((level) => (level === key ? 65535 : level * scale)));
    expect(await seen(keyed)).toBe(await seenIn(surgery.png(shown, 16, 0)));
  });

  it("of 16 bits and two channels with a profile is what it is in 8 bits", async () => {
    const bytes = Buffer.from(fixture("color/grey-profile.png"));
    const at = bytes.indexOf("iCCP", "latin1");
    const profile = surgery.pngChunk("iCCP", bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)));
    const of = (depth: number) =>
      greys(8).map((row) => row.flatMap((level, x) => [level, (x * 8) % 256].map((v) => (depth === 16 ? v * 257 : v))));
    expect(await seen(surgery.png(of(16), 16, 4))).toBe(await seenIn(surgery.png(of(8), 8, 4)));
    // The profile's curve is applied to what there is: finer levels may become another of the 512 colours here and there.
    const [fine, coarse] = [
      await seen(surgery.png(of(16), 16, 4, profile)),
      await seen(surgery.png(of(8), 8, 4, profile)),
    ];
    expect(Math.abs(fine - coarse)).toBeLessThan(0.01);
    expect(coarse).not.toBe(await seenIn(surgery.png(of(8), 8, 4)));
  });
});

describe("a data: URL", () => {
  const base64 = Buffer.from(fixture("rgb.png")).toString("base64");
  const lines = (base64.match(/.{1,76}/g) ?? []).join("\r\n");
  it.each([
    ["with lines", `data:image/png;base64,${lines}`],
    ["with a space before its data", `data:image/png;base64, ${base64}`],
    ["with parameters", `data:image/png;charset=utf-8;name=a.png;base64,${base64}`],
    ["without a type", `data:;base64,${base64}`],
    ["with the wrong type", `data:image/jpeg;base64,${base64}`],
    ["in capitals", `DATA:IMAGE/PNG;BASE64,${base64}`],
  ])("%s is read", async (_, url) => {
    expect(await seen(url)).toBe(await seenIn(fixture("rgb.png")));
  });
});
