import { createMiddleware } from "hono/factory";
import { KeyStore } from "../access/index.ts";
import { isOwnOrigin } from "../net/addresses.ts";
import type { AppEnv } from "./app-env.ts";
import { log } from "./log.ts";

/** Headers that a page of another origin may send; more of them where its preflight names more. */
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
/** A header's name, as a preflight lists it: clients and their tracing libraries send headers of their own. */
const HEADER_NAME = /^[a-z0-9-]{1,64}$/;
const MAX_HEADERS = 32;
/** Headers of a response that such a page may read. */
const EXPOSED = ["x-request-id", "ratelimit-policy", "ratelimit", "retry-after"];
/** Seconds that a browser may remember a preflight's answer. */
const MAX_AGE = 600;

/**
 * CORS for the API: the origins of `CORS_ORIGINS` ("loopback" among them: the pages of this machine) and those of publishable keys. Never with credentials: the API knows no
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
      c.header("Access-Control-Allow-Headers", allowedHeaders(c.req.header("access-control-request-headers")));
      c.header("Access-Control-Max-Age", String(MAX_AGE));
      c.header("Access-Control-Allow-Origin", origin);
    } else if (origin !== undefined) {
      // The browser tells its user no more than that it failed.
      const message =
        "Pages of this web origin may not call the API: add it to CORS_ORIGINS, or to a publishable key's allowedOrigins.";
      log("info", "cors", { origin: origin.slice(0, 200), message });
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
  if (configured.includes("loopback") && isOwnOrigin(origin)) return true;
  return Boolean(mayHaveKey) && new KeyStore(env.DB).allowsOrigin(origin, Date.now());
}

function allowedHeaders(requested = ""): string {
  const names = requested.toLowerCase().split(",").slice(0, MAX_HEADERS);
  const more = names.map((name) => name.trim()).filter((name) => HEADER_NAME.test(name));
  return [...new Set([...ALLOWED, ...more])].join(", ");
}
