import { expect, it } from "vitest";
import { type SnippetRequest, snippet } from "./snippets.ts";

const request: SnippetRequest = {
  address: "https://example.com/graphql",
  variables: { image: { base64: "it's" }, samples: 1, options: { keep: [true, false] } },
  live: true,
  withKey: true,
};

it("quotes for the shell", () => {
  expect(snippet("curl", request)).toContain(`"base64":"it'\\''s"`);
});

it("names the key's variable and never a key", () => {
  expect(snippet("curl", request)).toContain(`"authorization: Bearer $IGPT_KEY"`);
  expect(snippet("typescript", request)).toContain("process.env.IGPT_KEY");
  expect(snippet("curl", { ...request, withKey: false })).not.toContain("authorization");
});

it("asks for events only when it is live", () => {
  expect(snippet("typescript", request)).toContain("text/event-stream");
  expect(snippet("typescript", { ...request, live: false })).not.toContain("text/event-stream");
  expect(snippet("curl", { ...request, live: false })).toContain("query Complete");
});
