import { Hono } from "hono";
import { createGraphQL } from "../graphql/yoga.ts";
import type { AppEnv } from "./app-env.ts";

let yoga: ReturnType<typeof createGraphQL> | undefined;

/** `/graphql`: the API, and GraphiQL for a browser where it is switched on. */
export const graphql = new Hono<AppEnv>().all("/graphql", (c) => {
  const wantsPage = c.req.method === "GET" && c.req.header("accept")?.includes("text/html") && !c.req.query("query");
  if (wantsPage && c.env.GRAPHIQL === "on") return c.env.ASSETS.fetch(new URL("/graphiql/", c.req.url));
  yoga ??= createGraphQL();
  const { models, images } = c.var.services;
  return yoga.fetch(c.req.raw, {
    env: c.env,
    waitUntil: (work: Promise<unknown>) => c.executionCtx.waitUntil(work),
    models,
    images,
  });
});
