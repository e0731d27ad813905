/** Web pages of other origins, and URLs of this machine: what development opens, and production does not. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "../worker/pictures.ts";

let development: SharedWorker;
let production: TestWorker;
let pictures: Server;
let pictureUrl: string;
beforeAll(async () => {
  development = await sharedWorker("development");
  production = await startWorker({ vars: { ANONYMOUS_SCOPES: "COMPLETE,EMBED,JOBS" } });
  const bytes = Buffer.from(photo.base64, "base64");
  pictures = createServer((_, response) => response.setHeader("content-type", "image/jpeg").end(bytes));
  await new Promise<void>((resolve) => pictures.listen(0, "127.0.0.1", resolve));
  pictureUrl = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/photo.jpg`;
});
afterAll(async () => {
  pictures?.close();
  await production?.close();
});

/** What a browser does for a page of `origin`: asks first, then sends. @returns null: the page may not */
async function fromPage(worker: SharedWorker, origin: string, headers: Record<string, string> = {}) {
  const sent = { "content-type": "application/json", ...headers };
  const preflight = await worker.request("/graphql", {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": Object.keys(sent).join(","),
    },
  });
  const allowed = (preflight.headers.get("access-control-allow-headers") ?? "").split(", ");
  if (preflight.headers.get("access-control-allow-origin") !== origin) return null;
  if (Object.keys(sent).some((name) => !allowed.includes(name.toLowerCase()))) return null;
  const body = JSON.stringify({ query: "{ __typename }" });
  const response = await worker.request("/graphql", { method: "POST", headers: { origin, ...sent }, body });
  return response.headers.get("access-control-allow-origin") === origin ? response.json() : null;
}

describe("a web page", () => {
  const OWN = [
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "https://localhost:5173",
    "http://[::1]:8080",
    "http://app.localhost:4200",
    "http://127.1.2.3",
  ];
  it.each(OWN)("%s may call the Worker in development, and not in production", async (origin) => {
    expect(await fromPage(development, origin)).toEqual({ data: { __typename: "Query" } });
    expect(await fromPage(production, origin)).toBeNull();
  });

  it.each([
    "https://app.example",
    "http://localhost.example",
    "http://localhost@app.example",
    "http://127.0.0.1.nip.example",
    "http://192.168.1.5:5173",
    "http://0.0.0.0:5173",
    "null",
    "file://",
    "app://localhost",
    "localhost",
    "",
  ])("%s may not", async (origin) => {
    expect(await fromPage(development, origin)).toBeNull();
  });

  it("may send headers of its client's and its tracing library's own", async () => {
    const headers = { "apollographql-client-name": "x", traceparent: "00-0-0-01", baggage: "x=1", "sentry-trace": "1" };
    expect(await fromPage(development, "http://localhost:5173", headers)).toEqual({ data: { __typename: "Query" } });
  });
});

describe("a URL of this machine", () => {
  const EMBED = "query ($image: ImageInput!) { embed(image: $image) { dimensions } }";
  const SUBMIT = `mutation ($image: ImageInput!, $webhookUrl: URL) {
    submitCompletion(image: $image, options: { keepRows: 31 }, webhookUrl: $webhookUrl) {
      completion { id } userErrors { code message }
    }
  }`;
  type Submitted = { submitCompletion: { userErrors: { code: string; message: string }[] } };
  const submit = (worker: SharedWorker, webhookUrl: string) =>
    worker.data<Submitted>(SUBMIT, { image: photo, webhookUrl });

  it("is fetched in development", async () => {
    const { embed } = await development.data<{ embed: { dimensions: number } }>(EMBED, { image: { url: pictureUrl } });
    expect(embed.dimensions).toBeGreaterThan(0);
  });

  it("may be a webhook's in development, without a key too", async () => {
    const { submitCompletion } = await submit(development, "http://127.0.0.1:9100/");
    expect(submitCompletion.userErrors).toEqual([]);
  });

  it("is neither in production, where it is told which setting that is", async () => {
    for (const url of [pictureUrl, "http://localhost:9100/", "https://[::1]/x.png"]) {
      const { errors } = await production.ask(EMBED, { image: { url } });
      expect(errors[0]).toMatchObject({
        message: expect.stringContaining("ALLOW_LOOPBACK_URLS"),
        extensions: { code: "URL_REFUSED" },
      });
    }
  });
});
