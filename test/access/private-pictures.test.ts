import { beforeAll, describe, expect, it } from "vitest";
import { parsePrivateId } from "../../src/image/private.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "../worker/pictures.ts";
import { bearer, issueKey } from "./admin.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

interface Input {
  id: string;
  url: string;
}

async function complete(secret: string, image: object = photo): Promise<Input> {
  const { complete } = await worker.data<{ complete: { input: Input } }>(
    `query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { input { id url(width: 64) } } }`,
    { image },
    bearer(secret),
  );
  return complete.input;
}

async function codeWith(secret: string | null, id: string): Promise<string | undefined> {
  const query = "query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel } }";
  const { errors } = await worker.ask(query, { image: { id } }, secret === null ? {} : bearer(secret));
  return errors[0]?.extensions.code;
}

describe("pictures of a key with privateImages", () => {
  it("have ids and URLs of their own, that are nothing to anybody else", async () => {
    const mine = await issueKey(worker, { privateImages: true });
    const other = await issueKey(worker, { privateImages: true });
    const open = await issueKey(worker);
    const picture = await complete(mine.secret);

    // The same picture has another id under each key, and none of them gives the other away.
    const publicId = (await complete(open.secret)).id;
    const otherId = (await complete(other.secret)).id;
    expect(new Set([picture.id, publicId, otherId]).size).toBe(3);
    expect(picture.id).not.toContain(publicId);
    expect(parsePrivateId(picture.id)?.owner).toBe(mine.key.id);

    expect(await codeWith(mine.secret, picture.id)).toBeUndefined();
    for (const stranger of [other.secret, open.secret, null]) {
      expect(await codeWith(stranger, picture.id)).toBe("NOT_FOUND");
    }
    // A missing picture and a stranger's are told in the same words.
    const missing = picture.id.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    expect(await codeWith(mine.secret, missing)).toBe("NOT_FOUND");
  });

  it("are served by signed URLs that expire, and kept by no shared cache", async () => {
    const { secret } = await issueKey(worker, { privateImages: true });
    const { id, url } = await complete(secret);
    const signed = await fetch(url);
    expect([signed.status, signed.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(signed.headers.get("cache-control")).toMatch(/^private, max-age=\d+$/);
    const etag = signed.headers.get("etag") ?? "";
    expect((await fetch(url, { headers: { "if-none-match": etag } })).status).toBe(304);

    const change = (name: string, value: string | null): string => {
      const changed = new URL(url);
      if (value === null) changed.searchParams.delete(name);
      else changed.searchParams.set(name, value);
      return changed.href;
    };
    const expires = Number(new URL(url).searchParams.get("expires"));
    expect(expires - Date.now() / 1000).toBeGreaterThan(3500);
    const forged = [
      `${new URL(url).origin}/thumbnails/${id}.png`,
      change("signature", null),
      change("signature", "0".repeat(64)),
      change("expires", String(expires + 600)),
      change("expires", "1000000000"),
      change("expires", "NaN"),
    ];
    for (const wrong of forged) {
      const response = await fetch(wrong, { headers: { "if-none-match": etag } });
      expect([response.status, response.headers.get("cache-control")]).toEqual([404, "no-store"]);
    }
    // The same picture's other widths and formats are the same picture.
    expect((await fetch(change("width", "256").replace(".png?", ".webp?"))).status).toBe(200);
  });

  it("are not served when the URL's time is over", async () => {
    const { secret, key } = await issueKey(worker, { privateImages: true });
    const { id, url } = await complete(secret);
    const { signUrl } = await import("../../src/image/private.ts");
    const owner = { id: key.id, secret: key.pictureSecret };
    const unsigned = new URL(url);
    unsigned.search = "";
    const sign = (at: number) => signUrl(unsigned.href, id, owner, at);
    expect((await fetch(await sign(Date.now()))).status).toBe(200);
    expect((await fetch(await sign(Date.now() - 2 * 3600_000))).status).toBe(404);
  });
});
