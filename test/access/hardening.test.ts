import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { SHIPPED } from "../shipped.ts";
import { photo } from "../worker/pictures.ts";
import { bearer, issueKey } from "./admin.ts";

/** As in production, but open to all, with a web origin of its own. */
let worker: TestWorker;
beforeAll(async () => {
  worker = await startWorker({ vars: { GRAPHIQL: "off", CORS_ORIGINS: "https://app.example" } });
});
afterAll(() => worker.close());

const JSON_TYPE = { "content-type": "application/json" };

interface Problem {
  status: number;
  code: string | undefined;
  message: string | undefined;
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  const [error] = body.errors ?? [];
  return { status: response.status, code: error?.extensions.code, message: error?.message };
}

const post = (body: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
  worker.request("/graphql", { method: "POST", headers, body });

describe("costly queries", () => {
  const aliases = (count: number, field: string) =>
    `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(" ")} }`;

  it.each([
    ["10,000 aliases", aliases(10_000, "__typename")],
    ["31 aliases", aliases(31, "__typename")],
    ["10,000 fields", `{ ${"__typename ".repeat(10_000)} }`],
    ["many directives", `{ __typename ${"@include(if: true) ".repeat(50)} }`],
    ["deep fields", `${"{ models ".repeat(3000)} { id } ${"}".repeat(3000)}`],
    ["deep lists", `{ models(x: ${"[".repeat(3500)}${"]".repeat(3500)}) { id } }`],
    ["costly aliases", aliases(20, 'complete(image: { id: "x" }, samples: 8) { seed }')],
  ])("%s", async (_, query) => {
    expect(await problemOf(await post(JSON.stringify({ query })))).toMatchObject({
      status: 400,
      code: "QUERY_TOO_COSTLY",
    });
  });

  it("a batch is refused", async () => {
    const body = JSON.stringify([{ query: "{ __typename }" }, { query: "{ __typename }" }]);
    expect(await problemOf(await post(body))).toMatchObject({ status: 400 });
  });

  it("a costly field alone is told its own limit", async () => {
    const { errors } = await worker.ask(
      "query ($image: ImageInput!) { complete(image: $image, samples: 100000) { seed } }",
      { image: photo },
    );
    expect(errors[0]?.extensions.code).toBe("BAD_OPTION");
  });
});

describe("bodies", () => {
  it("of 50 MB are refused by their length, also when nothing of them comes", async () => {
    const { hostname, port } = new URL(worker.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...JSON_TYPE, "content-length": 50 * 1024 * 1024 };
      const request = httpRequest({ hostname, port, path: "/graphql", method: "POST", headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on("error", reject);
      request.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it("of 50 MB are refused to a client that sends all before it listens", async () => {
    const response = await post(JSON.stringify({ query: "{ __typename }", variables: { x: "x".repeat(50e6) } }));
    expect(await problemOf(response)).toMatchObject({ status: 413, code: "IMAGE_TOO_LARGE" });
  });

  it("of 50 MB are refused without a length too", async () => {
    let sent = 0;
    const chunk = new Uint8Array(1024 * 1024).fill(32);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 50) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const init = { method: "POST", headers: JSON_TYPE, body, duplex: "half" };
    const response = await worker.request("/graphql", init as RequestInit);
    expect(await problemOf(response)).toMatchObject({ status: 413, code: "IMAGE_TOO_LARGE" });
  });

  it("that stop coming are given up, and others are served meanwhile", async () => {
    const { hostname, port } = new URL(worker.url);
    const socket = connect(Number(port), hostname);
    const answer = new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (data) => {
        text += data;
        if (text.includes("\r\n\r\n")) resolve(text);
      });
      socket.on("close", () => resolve(text));
      socket.on("error", () => resolve(text));
    });
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{"query":`,
    );
    expect(await worker.data("{ __typename }")).toEqual({ __typename: "Query" });
    expect(await answer).toMatch(/^HTTP\/1.1 408/);
    socket.destroy();
  });
});

describe("what any web page can send", () => {
  const form = () => {
    const data = new FormData();
    data.set("operations", JSON.stringify({ query: "{ __typename }" }));
    return data;
  };
  it.each<[string, () => RequestInit & { path?: string }]>([
    ["a form with files", () => ({ method: "POST", body: form() })],
    ["a form", () => ({ method: "POST", body: new URLSearchParams({ query: "{ __typename }" }) })],
    [
      "plain text",
      () => ({ method: "POST", headers: { "content-type": "text/plain" }, body: '{"query":"{__typename}"}' }),
    ],
    ["a GET", () => ({ path: "?query={__typename}" })],
  ])("%s is refused without a header that it cannot send", async (_, make) => {
    const { path = "", headers, ...init } = make();
    const bare = await worker.request(`/graphql${path}`, { ...init, headers: headers ?? {} });
    expect(await problemOf(bare)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    const again = make();
    const marked = await worker.request(`/graphql${path}`, {
      ...again,
      headers: { ...(headers as Record<string, string>), "x-graphql-yoga-csrf": "1" },
    });
    expect(marked.status).not.toBe(403);
  });

  it("a JSON POST needs no header, nor does a stream", async () => {
    expect((await post('{"query":"{__typename}"}')).status).toBe(200);
    const query = `subscription ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { rowsDone } }`;
    const stream = await post(JSON.stringify({ query, variables: { image: photo } }), {
      ...JSON_TYPE,
      accept: "text/event-stream",
    });
    expect(stream.headers.get("content-type")).toContain("text/event-stream");
    expect(await stream.text()).toContain("rowsDone");
  });

  it("a mutation by GET is refused", async () => {
    const { secret } = await issueKey(worker, { scopes: ["ADMIN"] });
    const query = encodeURIComponent('mutation { revokeApiKey(id: "x") { id } }');
    expect((await worker.request(`/graphql?query=${query}`, { headers: bearer(secret) })).status).toBe(405);
  });
});

describe("other origins", () => {
  const preflight = (origin: string) =>
    worker.request("/graphql", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
    });
  const allowed = (response: Response) => response.headers.get("access-control-allow-origin");

  it("are answered when they are configured or a key's, and not otherwise", async () => {
    const { key } = await issueKey(worker, { kind: "PUBLISHABLE", allowedOrigins: ["https://shop.example"] });
    expect(allowed(await preflight("https://app.example"))).toBe("https://app.example");
    expect(allowed(await preflight("https://shop.example"))).toBe("https://shop.example");
    expect(allowed(await preflight("https://evil.example"))).toBeNull();
    expect((await preflight("https://app.example")).headers.get("access-control-allow-credentials")).toBeNull();
    const answer = await worker.ask("{ __typename }", {}, { origin: "https://app.example" });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("access-control-expose-headers")).toContain("x-request-id");
    const { KeyStore } = await import("../../src/access/key-store.ts");
    await new KeyStore(worker.env.DB).revoke(key.id, { id: "cli" }, Date.now());
    expect(allowed(await preflight("https://shop.example"))).toBeNull();
  });
});

describe("the schema", () => {
  it("is told to admins only", async () => {
    const introspection = getIntrospectionQuery();
    const typo = "{ modelz { id } }";
    const anyone = await issueKey(worker, { scopes: ["COMPLETE"] });
    for (const headers of [{}, bearer(anyone.secret)]) {
      expect((await worker.ask(introspection, {}, headers)).errors[0]?.message).toContain("introspection");
      const { errors } = await worker.ask(typo, {}, headers);
      expect(errors[0]?.message).toContain("modelz");
      expect(JSON.stringify(errors)).not.toMatch(/[Dd]id you mean|"models"/);
    }
    const admin = await issueKey(worker, { scopes: ["ADMIN"] });
    expect((await worker.ask(introspection, {}, bearer(admin.secret))).errors).toEqual([]);
    expect((await worker.ask(typo, {}, bearer(admin.secret))).errors[0]?.message).toContain("Did you mean");
  });

  it("keeps its suggestions to itself in variables too", async () => {
    const { errors } = await worker.ask(
      "query ($image: ImageInput!, $options: CompleteOptions) { complete(image: $image, options: $options) { seed } }",
      { image: photo, options: { keepRow: 3 } },
    );
    expect(errors[0]?.message).toContain("keepRow");
    expect(JSON.stringify(errors)).not.toMatch(/[Dd]id you mean|keepRows/);
  });
});

describe("persisted operations", () => {
  const query = "query Persisted { models { id version } }";
  const sha256Hash = createHash("sha256").update(query).digest("hex");
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  const get = (headers: Record<string, string>) =>
    worker.request(`/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`, { headers });

  it("are registered by their hash, and then asked for by GET, cacheable", async () => {
    const headers = { "x-graphql-yoga-csrf": "1" };
    expect(await problemOf(await get(headers))).toMatchObject({
      code: "PERSISTED_QUERY_NOT_FOUND",
      message: "PersistedQueryNotFound",
    });
    const registered = await post(JSON.stringify({ query, extensions }));
    expect(registered.headers.get("cache-control")).toBe("no-store");
    expect(await registered.json()).toMatchObject({ data: { models: expect.arrayContaining([SHIPPED]) } });
    const response = await get(headers);
    expect(await response.json()).toMatchObject({ data: { models: expect.arrayContaining([SHIPPED]) } });
    expect(response.headers.get("cache-control")).toBe("public, max-age=60");
    const { secret } = await issueKey(worker);
    expect((await get(bearer(secret))).headers.get("cache-control")).toBe("private, max-age=60");
  });

  it("cannot be put under another's hash", async () => {
    const other = { persistedQuery: { version: 1, sha256Hash: "0".repeat(64) } };
    expect(await problemOf(await post(JSON.stringify({ query, extensions: other })))).toMatchObject({ status: 400 });
    expect(await problemOf(await post(JSON.stringify({ extensions: other })))).toMatchObject({
      code: "PERSISTED_QUERY_NOT_FOUND",
    });
  });
});

describe("a request's id", () => {
  const idOf = async (headers: Record<string, string>) =>
    (await post('{"query":"{__typename}"}', { ...JSON_TYPE, ...headers })).headers.get("x-request-id");

  it("is the caller's if it is harmless, else our own", async () => {
    expect(await idOf({ "x-request-id": "order-4711.b" })).toBe("order-4711.b");
    for (const hostile of ["short", 'a"b","level":"error', "x".repeat(100), "café-café-café"]) {
      const id = await idOf({ "x-request-id": Buffer.from(hostile).toString("latin1") });
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect((await worker.request("/healthz")).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect((await post("nonsense")).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is in the log line, which has no key and no picture", async () => {
    const { secret, key } = await issueKey(worker);
    worker.harness.clearLogs();
    const query = "query ($image: ImageInput!) { embed(image: $image) { dimensions } }";
    await worker.data(query, { image: photo }, { ...bearer(secret), "x-request-id": "find-me-in-logs" });
    await worker.ask(query, { image: { base64: "bm90IGEgcGljdHVyZQ==" } }, bearer(secret.replace(/.$/, "_")));
    await expect
      .poll(() => lines().find(({ requestId }) => requestId === "find-me-in-logs"))
      .toMatchObject({
        level: "info",
        event: "request",
        route: "/graphql",
        status: 200,
        operation: "query embed",
        keyId: key.id,
        stages: { access: expect.any(Number), body: expect.any(Number), work: expect.any(Number) },
      });
    // GraphQL's words for a wrong value have the value in them; it is the caller's to mend and no error of ours.
    await worker.ask(query, { image: { base64: ["bm90IGEgcGljdHVyZQ=="] } }, { "x-request-id": "a-wrong-value" });
    await expect.poll(() => lines().filter(({ requestId }) => requestId === "a-wrong-value").length).toBeGreaterThan(0);
    expect(lines().filter(({ level }) => level === "error")).toEqual([]);
    const all = JSON.stringify(worker.harness.getLogs());
    expect(all).not.toContain(secret.slice(16, -2));
    expect(all).not.toContain(photo.base64.slice(100, 160));
    expect(all).not.toContain("bm90IGEgcGljdHVyZQ");
  });

  function lines(): Record<string, unknown>[] {
    return worker.harness.getLogs().flatMap(({ message }) => {
      const text = String(message);
      return text.startsWith("{") ? [JSON.parse(text)] : [];
    });
  }
});

it("an unknown path is told in the same form, and cannot inject headers", async () => {
  const response = await worker.request("/nowhere%0d%0aset-cookie:%20a=b");
  expect(await problemOf(response)).toMatchObject({ status: 404, code: "NOT_FOUND" });
  expect(response.headers.get("set-cookie")).toBeNull();
});

it("a stream is logged at its end, with what it made", async () => {
  worker.harness.clearLogs();
  const query = `subscription ($image: ImageInput!) { complete(image: $image, options: { keepRows: 30 }) { rowsDone } }`;
  const response = await post(JSON.stringify({ query, variables: { image: photo } }), {
    ...JSON_TYPE,
    accept: "text/event-stream",
    "x-request-id": "a-streams-id",
  });
  expect(response.headers.get("x-request-id")).toBe("a-streams-id");
  await response.text();
  const line = () => worker.harness.getLogs().find(({ message }) => String(message).includes("a-streams-id"));
  await expect.poll(line).toBeDefined();
  expect(JSON.parse(String(line()?.message))).toMatchObject({
    operation: "subscription complete",
    model: `${SHIPPED.id}/${SHIPPED.version}`,
    ranOn: "EDGE",
    pixels: 64,
  });
});

it("a wait for memory is told in the log line", async () => {
  worker.harness.clearLogs();
  // Keys and values of four long ones and two short ones fit at once, so two wait until short ones have ended. Memory is
  // counted to the picture's end; one pixel is drawn, so that a slow machine is done long before waiting has its limit.
  const query =
    "query ($image: ImageInput!, $keep: [Boolean!]!) { complete(image: $image, samples: 8, options: { keep: $keep }) { seed } }";
  const allBut = (row: number) => Array.from({ length: 1024 }, (_, pixel) => pixel !== row * 32);
  const answers = await Promise.all(
    [18, 18, 18, 18, 28, 28, 28, 28].map((row, i) =>
      worker.ask(query, { image: photo, keep: allBut(row) }, { "x-request-id": `waits-${i}-or-not` }),
    ),
  );
  expect(answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions.code))).toEqual([]);
  const waits = () =>
    worker.harness.getLogs().flatMap(({ message }) => {
      const text = String(message);
      return text.includes("-or-not") ? [JSON.parse(text).stages.queue ?? 0] : [];
    });
  await expect.poll(() => waits().length).toBe(8);
  expect(Math.max(...waits())).toBeGreaterThan(0);
});

it("many large bodies at once are bounded together, and their memory is given back", async () => {
  const body = JSON.stringify({ query: "{ __typename }", variables: { x: "x".repeat(9e6) } });
  const responses = await Promise.all(Array.from({ length: 6 }, () => post(body)));
  const statuses = responses.map(({ status }) => status);
  expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect(statuses).toContain(200);
  for (let i = 0; i < 5; i++) expect((await post(body)).status).toBe(200);
});
