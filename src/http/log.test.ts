import { expect, it, vi } from "vitest";
import { describeError, log } from "./log.ts";

it("writes a line of a field of millions of characters, shortened", () => {
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  log("error", "test", describeError(new Error(`no number: ${"x".repeat(8e6)}`)));
  const line = String(written.mock.calls[0]?.[0]);
  written.mockRestore();
  expect(JSON.parse(line)).toMatchObject({ level: "error", event: "test", name: "Error" });
  expect(line.length).toBeLessThan(20_000);
});
