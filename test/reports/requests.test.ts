/** Requests that others' GraphQL servers and clients reported trouble with; `test/reports.md` says which. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { picture, submitted } from "../jobs/client.ts";
import { photo } from "../worker/pictures.ts";

let worker: TestWorker;
beforeAll(async () => {
  // Nobody answers there: jobs for an origin wait.
  worker = await startWorker({ vars: { ORIGIN_URLS: "http://127.0.0.1:9", CORS_ORIGINS: "https://a.example" } });
});
afterAll(() => worker.close());

const JSON_TYPE = { "content-type": "application/json" };
const CSRF = { "x-graphql-yoga-csrf": "1" };
const TYPENAME = { query: "query Name { __typename }" };

interface Outcome {
  status: number;
  type: string;
  text: string;
  code: string | undefined;
}

async function ask(init: RequestInit, path = ""): Promise<Outcome> {
  const response = await worker.request(`/graphql${path}`, init);
  const text = await response.text();
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  return { status: response.status, type: response.headers.get("content-type") ?? "", text, code };
}

const post = (body: BodyInit, headers: Record<string, string> = JSON_TYPE) => ask({ method: "POST", headers, body });
const ANSWER = { data: { __typename: "Query" } };

describe("an operationName", () => {
  it("of no letters is none", async () => {
    const { status, text } = await post(JSON.stringify({ ...TYPENAME, operationName: "" }));
    expect([status, JSON.parse(text)]).toEqual([200, ANSWER]);
    const byGet = await ask(
      { headers: CSRF },
      `?query=${encodeURIComponent(TYPENAME.query)}&operationName=&variables=`,
    );
    expect([byGet.status, JSON.parse(byGet.text)]).toEqual([200, ANSWER]);
  });

  it("of no letters does not choose among several", async () => {
    const two = "query A { __typename } query B { __typename }";
    const { status, code, text } = await post(JSON.stringify({ query: two, operationName: "" }));
    expect([status, code]).toEqual([400, "OPERATION_RESOLUTION_FAILURE"]);
    expect(text).toContain("several operations");
  });

  it.each([[{ a: 1 }], [7], [["Name"]], [true]])("of %j is told so", async (operationName) => {
    const { status, code } = await post(JSON.stringify({ ...TYPENAME, operationName }));
    expect([status, code]).toEqual([400, "OPERATION_RESOLUTION_FAILURE"]);
  });

  it("that the document has not is told so, by GET too", async () => {
    for (const outcome of [
      await post(JSON.stringify({ ...TYPENAME, operationName: "Other" })),
      await ask({ headers: CSRF }, `?query=${encodeURIComponent(TYPENAME.query)}&operationName=Other`),
    ]) {
      expect([outcome.status, outcome.code]).toEqual([400, "OPERATION_RESOLUTION_FAILURE"]);
      expect(outcome.text).toContain("Other");
    }
  });
});

describe("a byte order mark", () => {
  it.each([
    ["before the JSON", `\uFEFF${JSON.stringify(TYPENAME)}`],
    ["at the beginning of the query", JSON.stringify({ query: `\uFEFF${TYPENAME.query}` })],
    ["in the midst of the query", JSON.stringify({ query: "{\uFEFF__typename }" })],
  ])("%s is no mistake", async (_, body) => {
    const { status, text } = await post(body);
    expect([status, JSON.parse(text)]).toEqual([200, ANSWER]);
  });

  it("in a form's parts is no mistake", async () => {
    const form = new FormData();
    form.set("operations", new Blob([`\uFEFF${JSON.stringify(TYPENAME)}`], { type: "application/json" }), "o.json");
    form.set("map", "\uFEFF{}");
    const { status, text } = await post(form, CSRF);
    expect([status, JSON.parse(text)]).toEqual([200, ANSWER]);
  });
});

it("a form's parts may come in any order", async () => {
  const query = "query ($file: File!) { likelihood(image: { file: $file }) { nllPerPixel } }";
  const parts: [string, string | Blob][] = [
    ["0", new Blob([Buffer.from(photo.base64, "base64")], { type: "image/jpeg" })],
    ["map", JSON.stringify({ 0: ["variables.file"] })],
    ["operations", JSON.stringify({ query, variables: { file: null } })],
  ];
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value as Blob);
  const { status, text } = await post(form, CSRF);
  expect([status, JSON.parse(text)]).toEqual([200, { data: { likelihood: { nllPerPixel: expect.any(Number) } } }]);
});

describe("what is accepted", () => {
  const accepting = (accept: string) => post(JSON.stringify(TYPENAME), { ...JSON_TYPE, accept });
  const [PLAIN, GRAPHQL] = [/^application\/json/, /^application\/graphql-response\+json/];

  it.each([
    [
      "text/event-stream among others is still JSON for a query, as urql asks",
      "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
      GRAPHQL,
    ],
    ["what is accepted least comes last", "application/json;q=0.1, application/graphql-response+json", GRAPHQL],
    ["what is not accepted at all is not sent", "application/graphql-response+json;q=0, application/json", PLAIN],
    ["the same in the other order", "application/json;q=0, application/graphql-response+json", GRAPHQL],
    ["types in capitals", "Application/JSON", PLAIN],
    ["a charset", "application/json; charset=utf-8", PLAIN],
    ["anything", "*/*", /^application\/(graphql-response\+)?json/],
    ["anything of application", "application/*", /^application\/(graphql-response\+)?json/],
  ])("%s", async (_, accept, type) => {
    const outcome = await accepting(accept);
    expect([outcome.status, JSON.parse(outcome.text)]).toEqual([200, ANSWER]);
    expect(outcome.type).toMatch(type);
  });

  it.each(["application/json;q=0", "image/png", "*/*;q=0"])("%s is a 406 that says what there is", async (accept) => {
    const outcome = await accepting(accept);
    expect([outcome.status, outcome.code]).toEqual([406, "BAD_REQUEST"]);
  });

  it("is named in Vary where an answer may be kept, beside the origin and the key", async () => {
    const response = await worker.request(`/graphql?query=${encodeURIComponent(TYPENAME.query)}`, {
      headers: { ...CSRF, origin: "https://a.example" },
    });
    expect(response.headers.get("cache-control")).toMatch(/max-age=/);
    const vary = (response.headers.get("vary") ?? "").toLowerCase().split(/, */);
    expect(vary).toEqual(expect.arrayContaining(["accept", "authorization", "origin"]));
    await response.arrayBuffer();
  });
});

it("a preflight's answer differs by its page's origin, and says so", async () => {
  const headers = { origin: "https://a.example", "access-control-request-method": "POST" };
  const allowed = await worker.request("/graphql", { method: "OPTIONS", headers });
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://a.example");
  const other = await worker.request("/graphql", {
    method: "OPTIONS",
    headers: { ...headers, origin: "https://b.example" },
  });
  expect(other.headers.get("access-control-allow-origin")).toBeNull();
  for (const { headers } of [allowed, other]) expect(headers.get("vary")).toContain("Origin");
});

it("a stream in which nothing happens has a sign of life, so that no proxy closes it", async () => {
  const id = await submitted(worker, { image: picture(), samples: 1, options: { keepRows: 31, execution: "ORIGIN" } });
  const leave = new AbortController();
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { ...JSON_TYPE, accept: "text/event-stream" },
    body: JSON.stringify({
      query: "subscription ($id: ID!) { completionProgress(id: $id) { status } }",
      variables: { id },
    }),
    signal: leave.signal,
  });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  expect(response.headers.get("cache-control")).toContain("no-");
  let text = "";
  const afterFirstEvent = () => text.slice(text.indexOf("event: next")).split("\n\n").slice(1);
  const events = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (!afterFirstEvent().some((line) => line.startsWith(":"))) {
    const part = await events?.read();
    if (!part || part.done) break;
    text += part.value;
  }
  expect(text).not.toContain("errors");
  expect(afterFirstEvent().some((line) => line.startsWith(":"))).toBe(true);
  leave.abort();
});
