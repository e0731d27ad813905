import { describe, expect, it } from "vitest";
import { CountingAdmission, expectations, fixture } from "../../../test/image/fixtures.ts";
import { Turns } from "../../scheduling/turns.ts";
import { decodePicture } from "./index.ts";

/** Files that other programs read, though they are not quite right: nothing of their pixels is lost. */

const names = [...expectations().keys()];
const jpegs = names.filter((name) => name.endsWith(".jpg"));
const pngs = names.filter((name) => name.endsWith(".png"));
const webps = names.filter((name) => name.endsWith(".webp"));

const read = async (file: Uint8Array) =>
  (await decodePicture(file, 32, { admission: new CountingAdmission(), turns: new Turns() })).rgb;
const refused = (file: Uint8Array) => expect(read(file)).rejects.toMatchObject({ code: "BAD_IMAGE" });
const same = async (file: Uint8Array, name: string) => expect(await read(file)).toEqual(await read(fixture(name)));

const joined = (...parts: (Uint8Array | number[])[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
/** Where `text` stands last. */
const lastOf = (file: Uint8Array, text: string) => Buffer.from(file).lastIndexOf(text, undefined, "latin1");

describe("a JPEG without its end marker", () => {
  // The last scan is missing: what remains is complete, but not all of the picture.
  const complete = jpegs.filter((name) => !name.includes("no-last-scan"));

  it.each(complete)("%s is read when all of its pixels are there", async (name) => {
    const file = fixture(name);
    expect([...file.subarray(-2)]).toEqual([0xff, 0xd9]);
    await same(file.slice(0, -2), name);
    await same(file.slice(0, -1), name);
  });

  // Without the largest, whose scans take a second each to go through.
  it.each(complete.filter((name) => !name.startsWith("phone-")))(
    "%s is truncated where pixels are missing",
    async (name) => {
      const file = fixture(name);
      for (const bytes of [5, 12, 60, 200]) await refused(file.slice(0, -bytes));
    },
  );

  it("is truncated where a scan is missing", async () => {
    await refused(fixture("phone-progressive-no-last-scan.jpg").slice(0, -2));
    const small = fixture("progressive.jpg");
    await refused(small.slice(0, lastOf(small, "\xff\xda")));
  });
});

describe("a JPEG with markers that say nothing new", () => {
  const DNL = [0xff, 0xdc, 0, 4, 0, 110];
  it.each(["baseline.jpg", "progressive.jpg", "phone.jpg"])("%s: the number of lines after the scan", async (name) => {
    const file = fixture(name);
    await same(joined(file.subarray(0, -2), DNL, [0xff, 0xd9]), name);
    await same(joined(file.subarray(0, -2), DNL), name);
  });

  it.each<[string, number[]]>([
    ["a marker that is reserved", [0xff, 0xf0, 0, 3, 1]],
    ["an empty application's segment", [0xff, 0xed, 0, 2]],
    ["a broken Exif segment", [0xff, 0xe1, 0, 8, ...[..."Exif"].map((c) => c.charCodeAt(0)), 0, 0]],
    ["an arithmetic coder's conditions", [0xff, 0xcc, 0, 4, 0, 0x10]],
    ["a second start", [0xff, 0xd8]],
  ])("%s", async (_, extra) => {
    const file = fixture("baseline.jpg");
    await same(joined(file.subarray(0, 2), extra, file.subarray(2)), "baseline.jpg");
  });
});

it("a JPEG with bytes between its segments is read", async () => {
  const file = fixture("baseline.jpg");
  // After JFIF's segment.
  await same(joined(file.subarray(0, 20), [1, 2, 3, 4], file.subarray(20)), "baseline.jpg");
});

describe("a PNG", () => {
  it.each(pngs)("%s without its end is read", async (name) => {
    const file = fixture(name);
    const end = lastOf(file, "IEND") - 4;
    for (const at of [end, end + 2, end + 6, file.length - 1]) await same(file.slice(0, at), name);
    // The checksum that follows the last pixels' chunk.
    if (!name.startsWith("animated")) await same(file.slice(0, end - 3), name);
  });

  it.each(pngs)("%s is truncated where pixels are missing", async (name) => {
    const file = fixture(name);
    const end = lastOf(file, "IEND") - 4;
    // Checksums of the chunk and of the stream are eight bytes.
    if (!name.startsWith("animated") && name !== "1x1.png") await refused(file.slice(0, end - 16));
  });

  it("with wrong checksums is read: no format's are looked at", async () => {
    const file = fixture("rgb.png");
    const idat = lastOf(file, "IDAT");
    const end = idat + 4 + new DataView(file.buffer).getUint32(idat - 4);
    file.set([1, 2, 3, 4], end);
    await same(file, "rgb.png");
    file.set([1, 2, 3, 4], end - 4);
    await same(file, "rgb.png");
  });

  it("with a broken chunk that is not needed is read", async () => {
    const file = fixture("rgb.png");
    const end = lastOf(file, "IEND") - 4;
    await same(joined(file.subarray(0, end), [0, 0, 4, 0], Buffer.from("tEXt"), [1, 2, 3]), "rgb.png");
  });
});

describe("a WebP", () => {
  it.each(webps)("%s with a wrong length of its container is read", async (name) => {
    const file = fixture(name);
    const view = new DataView(file.buffer);
    for (const length of [0, 4, file.length - 16, file.length + 1000, 0xfffffff0]) {
      view.setUint32(4, length, true);
      await same(file, name);
    }
  });

  it("that lost what says which way is up is truncated, another loss is borne", async () => {
    const file = fixture("exif.webp");
    await refused(file.slice(0, -4));
    await refused(file.slice(0, lastOf(file, "EXIF")));
    const unknown = joined(fixture("lossless.webp"), Buffer.from("XXXX"), [200, 0, 0, 0, 1, 2]);
    await same(unknown, "lossless.webp");
  });

  it("whose canvas contradicts its only picture is damaged", async () => {
    const file = fixture("lossy-alpha.webp");
    expect(Buffer.from(file).toString("latin1", 12, 16)).toBe("VP8X");
    // 150x110 pixels say 4000x4000.
    file.set([0x9f, 0x0f, 0, 0x9f, 0x0f, 0], 24);
    await refused(file);
  });

  it("whose frame contradicts its own picture is damaged", async () => {
    const file = fixture("animated-offset.webp");
    const frame = lastOf(file, "ANMF") + 8;
    file.set([40, 0, 0], frame + 6);
    await refused(file);
  });
});
