/** How bodies come: packed, as forms of other libraries, with members and media types that other clients write. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "../worker/pictures.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

const LIKELIHOOD = "query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel } }";
const JSON_TYPE = { "content-type": "application/json" };
const TYPENAME = JSON.stringify({ query: "{ __typename }" });

interface Outcome {
  status: number;
  data: Record<string, unknown> | undefined;
  code: string | undefined;
  message: string | undefined;
}

async function post(body: BodyInit, headers: Record<string, string>): Promise<Outcome> {
  const response = await worker.request("/graphql", { method: "POST", headers, body });
  const { data, errors } = (await response.json()) as {
    data?: Record<string, unknown>;
    errors?: { message: string; extensions: { code: string } }[];
  };
  const [error] = errors ?? [];
  return { status: response.status, data, code: error?.extensions.code, message: error?.message };
}

const packed = (body: string | Buffer, coding: string, pack: (bytes: Buffer) => Uint8Array) =>
  post(new Uint8Array(pack(Buffer.from(body))), { ...JSON_TYPE, "content-encoding": coding });

describe("a packed body", () => {
  const body = JSON.stringify({ query: LIKELIHOOD, variables: { image: photo } });
  it.each([
    ["gzip", gzipSync],
    ["GZIP", gzipSync],
    ["x-gzip", gzipSync],
    ["deflate", (bytes: Uint8Array): Uint8Array => deflateSync(bytes, { level: 6 })],
    ["deflate", deflateRawSync],
    ["identity", (bytes: Uint8Array): Uint8Array => bytes],
  ])("%s is read", async (coding, pack) => {
    const { status, data } = await packed(body, coding, pack);
    expect([status, data]).toEqual([200, { likelihood: { nllPerPixel: expect.any(Number) } }]);
  });

  it("is read from a form too", async () => {
    const request = new Request("http://x/", {
      method: "POST",
      body: formOf({ query: LIKELIHOOD, variables: { image: { file: null } } }),
    });
    const bytes = gzipSync(Buffer.from(await request.arrayBuffer()));
    const type = { "content-type": request.headers.get("content-type") ?? "", "x-graphql-yoga-csrf": "1" };
    const { data } = await post(new Uint8Array(bytes), { ...type, "content-encoding": "gzip" });
    expect(data).toEqual({ likelihood: { nllPerPixel: expect.any(Number) } });
  });

  it.each([
    ["br", brotliCompressSync],
    ["zstd", (bytes: Buffer) => zstdCompressSync(bytes)],
    ["gzip, gzip", (bytes: Buffer) => gzipSync(gzipSync(bytes))],
    ["nonsense", (bytes: Buffer) => bytes],
  ])("%s is 415 and told what is read", async (coding, pack) => {
    const init = { method: "POST", headers: { ...JSON_TYPE, "content-encoding": coding } };
    const response = await worker.request("/graphql", { ...init, body: new Uint8Array(pack(Buffer.from(TYPENAME))) });
    expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "gzip, deflate"]);
    expect(await response.json()).toMatchObject({
      errors: [{ message: expect.stringMatching(/gzip or deflate/), extensions: { code: "BAD_REQUEST" } }],
    });
  });

  it.each([
    ["that is not packed at all", Buffer.from(TYPENAME)],
    ["that ends too early", gzipSync(body).subarray(0, 1000)],
    ["that is damaged", damaged(gzipSync(body))],
    ["with something behind it", Buffer.concat([gzipSync(TYPENAME), Buffer.from("xx")])],
    ["of no bytes", Buffer.alloc(0)],
  ])("%s is told so", async (_, bytes) => {
    const outcome = await post(new Uint8Array(bytes), { ...JSON_TYPE, "content-encoding": "gzip" });
    expect(outcome).toMatchObject({ status: 400, code: "BAD_REQUEST" });
  });

  it("counts against the limit as it is unpacked", async () => {
    const of = (megabytes: number) =>
      gzipSync(JSON.stringify({ query: "{ __typename }", variables: { x: " ".repeat(megabytes * 1024 * 1024) } }));
    expect(await post(new Uint8Array(of(27)), { ...JSON_TYPE, "content-encoding": "gzip" })).toMatchObject({
      status: 200,
    });
    expect(await post(new Uint8Array(of(29)), { ...JSON_TYPE, "content-encoding": "gzip" })).toMatchObject({
      status: 413,
      code: "IMAGE_TOO_LARGE",
    });
  });

  it("that is a bomb is refused early, and what is asked meanwhile is answered", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024, 0x20));
    expect(bomb.length).toBeLessThan(300 * 1024);
    const send = () => post(new Uint8Array(bomb), { ...JSON_TYPE, "content-encoding": "gzip" });
    expect(await send()).toMatchObject({ status: 413, code: "IMAGE_TOO_LARGE" });
    const bombs = [send(), send(), send()];
    expect(await worker.data("{ __typename }")).toEqual({ __typename: "Query" });
    // Together they are more than the isolate holds of bodies at once.
    for (const { code } of await Promise.all(bombs)) expect(["IMAGE_TOO_LARGE", "BUSY"]).toContain(code);
  });
});

function damaged(bytes: Buffer): Buffer {
  const middle = Math.floor(bytes.length / 2);
  bytes.fill(0xff, middle, middle + 50);
  return bytes;
}

function formOf(operations: unknown, path = "variables.image.file", part: "text" | "file" = "text"): FormData {
  const form = new FormData();
  const field = (name: string, value: unknown) => {
    const text = JSON.stringify(value);
    if (part === "text") form.set(name, text);
    else form.set(name, new Blob([text], { type: "application/json" }), `${name}.json`);
  };
  field("operations", operations);
  field("map", { 0: [path] });
  form.set("0", new Blob([Buffer.from(photo.base64, "base64")], { type: "image/jpeg" }), "chelsea.jpg");
  return form;
}

describe("a form", () => {
  const operations = { query: LIKELIHOOD, variables: { image: { file: null } } };
  const csrf = { "x-graphql-yoga-csrf": "1" };

  it("may have operations and map as application/json parts with file names", async () => {
    const outcome = await post(formOf(operations, undefined, "file"), csrf);
    expect(outcome.data).toEqual({ likelihood: { nllPerPixel: expect.any(Number) } });
  });

  it("may have members of a client's own", async () => {
    const outcome = await post(formOf({ ...operations, operationType: "query" }), csrf);
    expect(outcome.data).toEqual({ likelihood: { nllPerPixel: expect.any(Number) } });
  });

  it.each([
    ["operations of a file that is no JSON", "operations", new Blob(["\x89PNG"])],
    ["a map of a file that is no JSON", "map", new Blob(["\x89PNG"])],
  ])("%s are told so", async (_, name, value) => {
    const form = formOf(operations);
    form.set(name, value, "x.json");
    expect(await post(form, csrf)).toMatchObject({ status: 400, code: "BAD_REQUEST" });
  });
});

describe("a client's own", () => {
  it.each([
    ["operationType", { operationType: "query" }],
    ["id and key", { id: "x", key: 7 }],
    ["a member named like Object's own", JSON.parse('{"__proto__": {"a": 1}, "constructor": 1, "toString": "x"}')],
    ["batched, false", { batched: false }],
    ["an operationName of null", { operationName: null, variables: null, extensions: null }],
  ])("%s is ignored", async (_, more) => {
    const outcome = await post(JSON.stringify({ query: "{ __typename }", ...more }), JSON_TYPE);
    expect(outcome).toMatchObject({ status: 200, data: { __typename: "Query" } });
  });

  it.each([
    "Application/JSON",
    "APPLICATION/JSON; Charset=UTF-8",
    "application/json;charset=utf-8",
    "application/json ; charset=utf-8",
    "Application/GraphQL+JSON",
  ])("way of writing %s is understood", async (type) => {
    expect(await post(TYPENAME, { "content-type": type })).toMatchObject({ status: 200 });
  });

  it("Multipart/Form-Data is a form, its boundary taken as it is written", async () => {
    const request = new Request("http://x/", { method: "POST", body: formOf({ query: "{ __typename }" }) });
    const type = (request.headers.get("content-type") ?? "").replace("multipart/form-data", "Multipart/Form-Data");
    const outcome = await post(await request.arrayBuffer(), { "content-type": type, "x-graphql-yoga-csrf": "1" });
    expect(outcome).toMatchObject({ status: 200, data: { __typename: "Query" } });
  });
});
