import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";

/** https://github.com/graphql/graphql-over-http, by the working group's own audits. */
let worker: TestWorker;
beforeAll(async () => {
  worker = await startWorker({ models: null });
});
afterAll(() => worker?.close());

const audits = serverAudits({
  url: () => new URL("/graphql", worker.url).href,
  // Audits send GETs, which any web page could: the header says that this is none.
  fetchFn: (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), "x-graphql-yoga-csrf": "1" } }),
});

describe("graphql-http", () => {
  it("has its audits", () => expect(audits.length).toBeGreaterThan(50));

  it.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))("%s", async (_, audit) => {
    const result = await audit.fn();
    expect(result.status === "ok" ? "" : `${result.status}: ${result.reason}`).toBe("");
  });
});
