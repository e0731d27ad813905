import { createServer } from "node:net";
import { expect, it } from "vitest";
import { freePort, isFree, parsePort } from "./port.ts";

it.each([
  ["0", 0],
  ["8787", 8787],
  ["65535", 65_535],
])("the port %s is %i", (text, port) => {
  expect(parsePort(text)).toBe(port);
});

it.each(["", "abc", "-1", "65536", "70000", "80.5", " 80", "0x50", "123456"])("%j is no port", (text) => {
  expect(parsePort(text)).toBeUndefined();
});

it("a port is free until somebody listens on it", async () => {
  const port = await freePort();
  expect(await isFree(port)).toBe(true);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  try {
    expect(await isFree(port)).toBe(false);
  } finally {
    server.close();
  }
});
