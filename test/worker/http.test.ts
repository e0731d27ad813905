import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "./pictures.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

describe("a multipart request", () => {
  it("brings a picture as a file", async () => {
    const form = new FormData();
    const query = "query ($file: File!) { likelihood(image: { file: $file }) { nllPerPixel } }";
    form.set("operations", JSON.stringify({ query, variables: { file: null } }));
    form.set("map", JSON.stringify({ 0: ["variables.file"] }));
    form.set("0", new Blob([Buffer.from(photo.base64, "base64")], { type: "image/jpeg" }), "chelsea.jpg");
    // Forms can be sent by any web page: this header shows that the sender is not one (CSRF).
    const response = await worker.request("/graphql", {
      method: "POST",
      headers: { "x-graphql-yoga-csrf": "1" },
      body: form,
    });
    const { data } = (await response.json()) as { data: { likelihood: { nllPerPixel: number } } };
    const byBase64 = await worker.data("query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel } }", {
      image: photo,
    });
    expect(data).toEqual(byBase64);
  });
});

describe("pictures out", () => {
  it("are served where their url says, at once and for ever", async () => {
    const { complete } = await worker.data<{ complete: { input: Record<string, string> } }>(
      `query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) {
        input { id png: url webp: url(width: 256, format: WEBP) jpg: url(width: 128, format: JPEG) dataUri thumbhash } } }`,
      { image: photo },
    );
    const { id, png, webp, jpg, dataUri, thumbhash } = complete.input;
    expect(id).toMatch(/^[\w-]{20,}$/);
    expect(dataUri).toMatch(/^data:image\/png;base64,/);
    expect(Buffer.from(thumbhash ?? "", "base64").length).toBeGreaterThan(5);
    for (const [url, type] of [
      [png, "image/png"],
      [webp, "image/webp"],
      [jpg, "image/jpeg"],
    ]) {
      expect(new URL(url ?? "").origin).toBe(new URL(worker.url).origin);
      const response = await fetch(url ?? "");
      expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
      expect(response.headers.get("cache-control")).toContain("immutable");
    }
  });
});

describe("requests that make no sense", () => {
  const form = (operations: string, map: string): RequestInit => {
    const body = new FormData();
    body.set("operations", operations);
    body.set("map", map);
    body.set("0", new Blob(["x"]), "x.png");
    return { method: "POST", headers: { "x-graphql-yoga-csrf": "1" }, body };
  };
  const bodies: [string, RequestInit & { path?: string }][] = [
    ["no body", { method: "POST", headers: { "content-type": "application/json" } }],
    ["broken JSON", { method: "POST", headers: { "content-type": "application/json" }, body: '{"query": ' }],
    ["JSON null", { method: "POST", headers: { "content-type": "application/json" }, body: "null" }],
    [
      "a JSON list",
      { method: "POST", headers: { "content-type": "application/json" }, body: '[{"query":"{models{id}}"}]' },
    ],
    [
      "a query that is a number",
      { method: "POST", headers: { "content-type": "application/json" }, body: '{"query":1}' },
    ],
    [
      "variables that are text",
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"query":"{models{id}}","variables":"x"}',
      },
    ],
    [
      "an unknown field",
      { method: "POST", headers: { "content-type": "application/json" }, body: '{"query":"{nope}"}' },
    ],
    ["a syntax error", { method: "POST", headers: { "content-type": "application/json" }, body: '{"query":"{"}' }],
    ["an unknown content type", { method: "POST", headers: { "content-type": "application/x-thing" }, body: "x" }],
    ["another method", { method: "PUT", body: "x" }],
    ["a form whose map is no list of paths", form(JSON.stringify({ query: "{ __typename }" }), '{"0":[1]}')],
    ["a form whose operations are null", form("null", "{}")],
    ...["variables", "extensions"].map((name): [string, RequestInit & { path: string }] => [
      `a GET whose ${name} are no JSON`,
      { path: `?query={__typename}&${name}=x`, headers: { "x-graphql-yoga-csrf": "1" } },
    ]),
    [
      "a multipart body that is none",
      {
        method: "POST",
        headers: { "content-type": "multipart/form-data; boundary=x", "x-graphql-yoga-csrf": "1" },
        body: "x",
      },
    ],
  ];
  it.each(bodies)("%s", async (_, { path = "", ...init }) => {
    const response = await worker.request(`/graphql${path}`, init);
    expect(response.status).toBeLessThan(500);
    const { errors } = (await response.json()) as { errors: { message: string; extensions: { code: string } }[] };
    expect(errors[0]?.message).toEqual(expect.any(String));
    // The code alone: no words of a parser's own error.
    expect(errors[0]?.extensions).toEqual({ code: expect.any(String) });
    expect(errors[0]?.extensions.code).not.toBe("INTERNAL_SERVER_ERROR");
  });

  it.each([
    ["samples", { image: photo, samples: "x".repeat(8e6) }, "BAD_OPTION"],
    ["a picture beside an id", { image: { base64: "A".repeat(8e6), id: "x" } }, "BAD_IMAGE"],
    ["a model's name", { image: photo, options: { model: "x".repeat(8e6) } }, "MODEL_NOT_FOUND"],
  ])("%s of eight megabytes are not sent back", async (_, variables, code) => {
    const query = `query ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
      complete(image: $image, samples: $samples, options: $options) { seed } }`;
    const { errors } = await worker.ask(query, variables);
    expect(errors[0]?.extensions.code).toBe(code);
    expect(errors[0]?.message.length).toBeLessThan(1000);
  });

  it("leave the Worker well", async () => {
    expect(await worker.data("{ __typename }")).toEqual({ __typename: "Query" });
  });
});
