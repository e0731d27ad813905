/** The Worker, composition only: which route is answered by what. */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv } from "./http/app-env.ts";
import { graphql } from "./http/graphql.ts";
import { health } from "./http/health.ts";
import { thumbnails } from "./http/thumbnails.ts";
import { servicesOf } from "./services.ts";

const app = new Hono<AppEnv>();

app.use(secureHeaders({ crossOriginResourcePolicy: false }));
app.use(async (c, next) => {
  c.set("services", servicesOf(c.env));
  await next();
});
app.route("/", health);
app.route("/", graphql);
app.route("/", thumbnails);
app.notFound((c) =>
  c.json({ errors: [{ message: `There is nothing at ${c.req.path}.`, extensions: { code: "NOT_FOUND" } }] }, 404),
);
app.onError((error, c) => {
  console.error(error);
  const message = "Something went wrong on our side.";
  return c.json({ errors: [{ message, extensions: { code: "INTERNAL_SERVER_ERROR" } }] }, 500);
});

export { Meter } from "./access/meter.ts";

export default app satisfies ExportedHandler<Env>;
