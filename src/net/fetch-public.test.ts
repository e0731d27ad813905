import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FetchFailed, fetchPublic, type PublicFetch } from "./fetch-public.ts";
import { dnsOverHttps, NameNotResolved } from "./resolver.ts";

const answer: RequestListener = (request, response) => {
  const url = new URL(request.url ?? "/", base);
  const hops = Number(url.searchParams.get("hops") ?? 0);
  requested.push(url.pathname);
  switch (url.pathname) {
    case "/redirect":
      if (hops > 0) return void response.writeHead(302, { location: `/redirect?hops=${hops - 1}` }).end("moved");
      return void response.end("arrived");
    case "/to":
      return void response.writeHead(307, { location: url.searchParams.get("url") ?? "" }).end();
    case "/a/b/first":
      return void response.writeHead(302, { location: "../second" }).end();
    case "/a/second":
      return void response.writeHead(308, { location: "third" }).end();
    case "/cut":
      return void response.writeHead(200, { "content-length": 1000 }).write("x", () => response.destroy());
    case "/not-gzip":
      return void response.writeHead(200, { "content-encoding": "gzip" }).end("x".repeat(1000));
    case "/large":
      response.writeHead(200);
      response.on("error", () => {});
      for (let i = 0; i < 50; i++) response.write(Buffer.alloc(10_000));
      return void response.end();
    case "/stated":
      return void response.writeHead(200, { "content-length": 1_000_000 }).write("x");
    case "/slow":
      return void response.writeHead(200).write("and then nothing");
    case "/dns-query":
      return dns(url, response);
    default:
      return void response.writeHead(404).end("nothing here");
  }
};

const dns = (url: URL, response: Parameters<RequestListener>[1]) => {
  const name = url.searchParams.get("name") ?? "";
  if (name === "broken.example") return void response.writeHead(500).end();
  if (name === "refused.example") return void response.end(JSON.stringify({ Status: 5 }));
  if (name === "missing.example") return void response.end(JSON.stringify({ Status: 3 }));
  const records =
    url.searchParams.get("type") === "A"
      ? [
          { name, type: 5, data: "elsewhere.example." },
          { name, type: 1, data: "192.0.2.1" },
        ]
      : [{ name, type: 28, data: "2001:db8::1" }];
  response.end(JSON.stringify({ Status: 0, Answer: records }));
};

let server: Server;
let base = "http://127.0.0.1";
let requested: string[] = [];

beforeAll(async () => {
  server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function get(path: string, options: Partial<PublicFetch> = {}) {
  requested = [];
  return fetchPublic(path.startsWith("http") ? path : base + path, {
    fetch,
    resolver: async () => [],
    allowLoopback: true,
    timeoutMs: 5_000,
    maxRedirects: 5,
    maxBytes: 100_000,
    ...options,
  });
}

const failed = (message: RegExp) =>
  expect.objectContaining({ name: "FetchFailed", message: expect.stringMatching(message) });

describe("fetchPublic", () => {
  it("follows five redirects and not six", async () => {
    const { response, body } = await get("/redirect?hops=5");
    expect(response.status).toBe(200);
    expect(new TextDecoder().decode(body as Uint8Array)).toBe("arrived");
    await expect(get("/redirect?hops=6")).rejects.toEqual(failed(/more than 5 times/));
    expect(requested).toHaveLength(6);
  });

  it.each([
    "https://169.254.169.254/",
    "http://10.0.0.1/x",
    "https://[::ffff:10.0.0.1]/",
    "file:///etc/passwd",
    "https://u:p@8.8.8.8/",
  ])("checks each hop: a redirect to %s is refused", async (url) => {
    await expect(get(`/to?url=${encodeURIComponent(url)}`)).rejects.toMatchObject({ code: "URL_REFUSED" });
  });

  it("reads a redirect's relative path from its own hop", async () => {
    await get("/a/b/first");
    expect(requested).toEqual(["/a/b/first", "/a/second", "/a/third"]);
  });

  it.each(["/cut", "/not-gzip"])("says so where a body does not come whole: %s", async (path) => {
    await expect(get(path)).rejects.toEqual(failed(/broke off, or is not compressed/));
  });

  it("makes no request at all where the first hop is refused", async () => {
    await expect(get("/redirect", { allowLoopback: false })).rejects.toMatchObject({ code: "URL_REFUSED" });
    expect(requested).toEqual([]);
  });

  it("asks for a name's addresses before each hop", async () => {
    const asked: string[] = [];
    const resolver = async (name: string) => {
      asked.push(name);
      return name === "b.example" ? ["127.0.0.1"] : ["93.184.215.14"];
    };
    const hop = async () => new Response(null, { status: 301, headers: { location: "https://b.example/" } });
    await expect(get("https://a.example/", { resolver, fetch: hop })).rejects.toMatchObject({ code: "URL_REFUSED" });
    expect(asked).toEqual(["a.example", "b.example"]);
  });

  it("gives up on a body past the cap, stated or not", async () => {
    expect((await get("/large")).body).toBe("too large");
    expect((await get("/stated")).body).toBe("too large");
    expect((await get("/large", { maxBytes: 500_000 })).body).toHaveLength(500_000);
  });

  it("has a time limit for headers and body together", async () => {
    await expect(get("/slow", { timeoutMs: 300 })).rejects.toEqual(failed(/within 0.3 s/));
  });

  it("ends with the caller's own reason when the caller gives up", async () => {
    const controller = new AbortController();
    const fetching = get("/slow", { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("gone")), 100);
    await expect(fetching).rejects.toThrow("gone");
  });

  it("says so where nobody answers", async () => {
    await expect(get("http://127.0.0.1:1/")).rejects.toEqual(failed(/could not be fetched/));
  });

  it("passes on that a name is unknown", async () => {
    const resolver = () => Promise.reject(new NameNotResolved("no such name"));
    await expect(get("https://a.example/", { resolver })).rejects.toBeInstanceOf(FetchFailed);
  });
});

describe("dnsOverHttps", () => {
  const resolve = (name: string) => dnsOverHttps(`${base}/dns-query`, fetch)(name);

  it("gives all IPv4 and IPv6 addresses and no aliases", async () => {
    expect(await resolve("a.example")).toEqual(["192.0.2.1", "2001:db8::1"]);
  });

  it.each(["broken.example", "refused.example", "missing.example"])("fails for %s", async (name) => {
    await expect(resolve(name)).rejects.toBeInstanceOf(NameNotResolved);
  });
});
