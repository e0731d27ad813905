/** Every method, with every way to have a body or none, on every route: nothing of it is a failure of ours. */
import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { sendRaw } from "./raw.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "get"];
const ROUTES = [
  "/graphql",
  "/graphql?query=%7B__typename%7D",
  "/",
  "/graphiql/",
  "/healthz",
  "/readyz",
  "/thumbnails/nothing.png",
  "/nothing",
];
const QUERY = '{"query":"{ __typename }"}';
/** Headers and body. */
const BODIES: [string, string][] = [
  ["no body", "\r\n"],
  ["an empty body", "Content-Length: 0\r\n\r\n"],
  ["a body", `Content-Length: ${QUERY.length}\r\n\r\n${QUERY}`],
  ["a body in chunks", `Transfer-Encoding: chunked\r\n\r\n${QUERY.length.toString(16)}\r\n${QUERY}\r\n0\r\n\r\n`],
  ["an empty body in chunks", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a body that is no JSON", "Content-Length: 3\r\n\r\nabc"],
  ["a body that says it is gzip", "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"],
  ["a length that is no number", "Content-Length: x\r\n\r\n"],
  ["a negative length", "Content-Length: -1\r\n\r\n"],
];

describe.each(ROUTES)("%s", (path) => {
  it.each(METHODS)("%s", async (method) => {
    const type = "Content-Type: application/json\r\nX-GraphQL-Yoga-CSRF: 1\r\n";
    const statuses = await Promise.all(
      BODIES.map(async ([name, rest]) => {
        const head = `${method} ${path} HTTP/1.1\r\nHost: ${worker.url.host}\r\n${type}`;
        const { status, text } = await sendRaw(worker.url, head + rest);
        // 501: a method that workerd itself does not know. 0: it hangs up on what is no HTTP.
        const fine = status < 500 || status === 501;
        return fine && !text.includes("INTERNAL_SERVER_ERROR") ? "" : `${name}: ${status} ${text}`;
      }),
    );
    expect(statuses.filter((failure) => failure !== "")).toEqual([]);
  });
});

it("a GET's body changes nothing of what its URL asks for", async () => {
  const head = `GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: x\r\nX-GraphQL-Yoga-CSRF: 1\r\n`;
  const { status, text } = await sendRaw(worker.url, `${head}Content-Length: 3\r\n\r\nabc`);
  expect([status, text]).toEqual([200, expect.stringContaining('{"data":{"__typename":"Query"}}')]);
});

it("a method that the API has not is told which it has", async () => {
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    const response = await worker.request("/graphql", { method, body: QUERY });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, POST"]);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
  }
});
