/** Pictures at URLs, and URLs of pictures, as others' services reported trouble with; `test/reports.md` says which. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture } from "../image/fixtures.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";

let worker: SharedWorker;
let server: Server;
let base: string;
/** Paths as they were asked for. */
const asked: string[] = [];

const picture = Buffer.from(fixture("rgb.png"));
const ROUTES: Record<string, (response: ServerResponse) => void> = {
  "/not-gzip": (response) => {
    response.writeHead(200, { "content-type": "image/png", "content-encoding": "gzip" }).end(picture);
  },
  "/gzip-cut": (response) => {
    const bytes = gzipSync(picture);
    response.writeHead(200, { "content-encoding": "gzip" }).end(bytes.subarray(0, bytes.length / 2));
  },
  "/html": (response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><p>Please log in</p>");
  },
  "/empty": (response) => {
    response.writeHead(200, { "content-type": "image/png" }).end();
  },
  "/octets": (response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(picture);
  },
};

beforeAll(async () => {
  server = createServer(({ url = "" }: IncomingMessage, response) => {
    asked.push(url);
    const route = ROUTES[url];
    if (route) route(response);
    else response.writeHead(200, { "content-type": "image/png" }).end(picture);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  worker = await sharedWorker("development");
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
});

const QUERY = `query ($image: ImageInput!) { likelihood(image: $image, model: "igpt-small") { nllPerPixel } }`;
const read = (path: string) =>
  worker.ask<{ likelihood: { nllPerPixel: number } }>(QUERY, { image: { url: base + path } });

describe("a picture's URL", () => {
  it.each([
    "/100%25.png",
    "/a%20b.png",
    "/$fullScreen$?$x$=1",
    "/it's(1).png",
    "/a+b%2Bc.png",
    "/m/%2E%2E%2Fx",
    "/%C3%A9",
  ])("%s is asked for as it was written", async (path) => {
    const { errors } = await read(path);
    expect(errors).toEqual([]);
    expect(asked.at(-1)).toBe(path);
  });

  it("with letters of other alphabets and spaces is asked for as a browser does", async () => {
    expect((await read("/маракуйя é b.png")).errors).toEqual([]);
    expect(asked.at(-1)).toBe("/%D0%BC%D0%B0%D1%80%D0%B0%D0%BA%D1%83%D0%B9%D1%8F%20%C3%A9%20b.png");
  });

  it.each(["/not-gzip", "/gzip-cut", "/html", "/empty"])(
    "%s that does not give a whole picture is the picture's fault",
    async (path) => {
      const { errors } = await read(path);
      expect(errors).toMatchObject([{ extensions: { code: expect.stringMatching(/^(BAD|UNSUPPORTED)_IMAGE$/) } }]);
    },
  );

  it("of bytes of no stated type is read", async () => {
    expect((await read("/octets")).errors).toEqual([]);
  });
});

describe("a thumbnail", () => {
  let url: string;
  let bytes: string;
  let etag: string;
  beforeAll(async () => {
    const { complete } = await worker.data<{ complete: { input: { url: string } } }>(
      `query ($image: ImageInput!) {
        complete(image: $image, options: { keepRows: 31, model: "igpt-small" }) { input { url(width: 64) } } }`,
      { image: { base64: picture.toString("base64") } },
    );
    url = complete.input.url;
    const response = await fetch(url);
    etag = response.headers.get("etag") ?? "";
    bytes = Buffer.from(await response.arrayBuffer()).toString("base64");
  });

  it("answers HEAD as GET, without its body", async () => {
    const [get, head] = [await fetch(url), await fetch(url, { method: "HEAD" })];
    expect(head.status).toBe(200);
    for (const name of ["content-type", "cache-control", "etag"]) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    await get.arrayBuffer();
  });

  it.each([
    ["the tag", () => etag],
    ["a weak tag", () => `W/${etag}`],
    ["a list", () => `"x", W/"y",${etag}`],
    ["*", () => "*"],
  ])("is a 304 with its caching for If-None-Match: %s", async (_, tag) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await fetch(url, { method, headers: { "if-none-match": tag() } });
      expect(response.status).toBe(304);
      expect(response.headers.get("etag")).toBe(etag);
      expect(response.headers.get("cache-control")).toContain("immutable");
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  it("gives no 304 to another tag, nor for what is not there", async () => {
    expect((await fetch(url, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    const missing = url.replace(/thumbnails\/[^.]+/, (path) => `thumbnails/${"A".repeat(path.length - 11)}`);
    expect((await fetch(missing, { headers: { "if-none-match": "*" } })).status).toBe(404);
  });

  it("is whole whatever range is asked for, and after that", async () => {
    for (const range of ["bytes=0-0", "bytes=-1", "bytes=99999999-", "bytes=0-1,5-6"]) {
      const response = await fetch(url, { headers: { range } });
      expect([response.status, response.headers.get("content-range")]).toEqual([200, null]);
      expect(Buffer.from(await response.arrayBuffer()).toString("base64")).toBe(bytes);
    }
  });

  it("is of the format that its path names, whatever is accepted, so that no cache mixes them", async () => {
    for (const accept of ["image/avif,image/webp,*/*", "image/png;q=0, image/webp", "text/html", "*/*;q=0"]) {
      const response = await fetch(url, { headers: { accept } });
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/png"]);
      expect(response.headers.get("vary") ?? "").not.toMatch(/accept\b(?!-)/i);
    }
  });
});
