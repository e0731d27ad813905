import { createMiddleware } from "hono/factory";
import { KeyStore } from "../access/index.ts";
import type { AppEnv } from "./app-env.ts";

/** Headers of requests and responses that a page of another origin may send and read. */
const ALLOWED = [
  "authorization",
  "content-type",
  "accept",
  "x-request-id",
  "idempotency-key",
  "x-graphql-yoga-csrf",
  "apollo-require-preflight",
  "graphql-preflight",
];
const EXPOSED = ["x-request-id", "ratelimit-policy", "ratelimit", "retry-after"];
/** Seconds that a browser may remember a preflight's answer. */
const MAX_AGE = 600;

/**
 * CORS for the API: the origins of `CORS_ORIGINS` and those of publishable keys. Never with credentials: the API knows no
 * cookies. A preflight carries no key, so it is answered by what any key allows; the request itself is then held against
 * its own key (`identify`).
 */
export const cors = createMiddleware<AppEnv>(async (c, next) => {
  const origin = c.req.header("origin");
  const preflight = c.req.method === "OPTIONS";
  const allowed = origin !== undefined && (await allows(origin, c.env, preflight || c.req.header("authorization")));
  if (preflight) {
    if (allowed) {
      c.header("Access-Control-Allow-Methods", "GET, POST");
      c.header("Access-Control-Allow-Headers", ALLOWED.join(", "));
      c.header("Access-Control-Max-Age", String(MAX_AGE));
      c.header("Access-Control-Allow-Origin", origin);
    }
    c.header("Vary", "Origin", { append: true });
    return c.body(null, 204);
  }
  await next();
  c.header("Vary", "Origin", { append: true });
  if (allowed) {
    c.header("Access-Control-Allow-Origin", origin);
    c.header("Access-Control-Expose-Headers", EXPOSED.join(", "));
  }
  return undefined;
});

/** @param mayHaveKey false: no key's origins need be looked up */
async function allows(origin: string, env: Env, mayHaveKey: unknown): Promise<boolean> {
  const configured = env.CORS_ORIGINS.split(",").map((entry) => entry.trim());
  if (configured.includes("*") || configured.includes(origin)) return true;
  return Boolean(mayHaveKey) && new KeyStore(env.DB).allowsOrigin(origin, Date.now());
}
