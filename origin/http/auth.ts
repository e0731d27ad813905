import { createHash, timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";

/** Asks for a bearer token. Digests are compared: they are of one length, whatever was sent. */
export function requireToken(token: string | undefined) {
  const expected = digest(`Bearer ${token}`);
  return createMiddleware(async (c, next) => {
    if (token === undefined || timingSafeEqual(digest(c.req.header("authorization") ?? ""), expected)) return next();
    c.header("WWW-Authenticate", "Bearer");
    return c.json({ error: "a bearer token is needed" }, 401);
  });
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
