/** The Worker, composition only: which route is answered by what. */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { UserError } from "./errors.ts";
import type { AppEnv } from "./http/app-env.ts";
import { graphql } from "./http/graphql.ts";
import { health } from "./http/health.ts";
import { describeError, log } from "./http/log.ts";
import { errorBody, problem, typeOfErrors } from "./http/problem.ts";
import { requestScope } from "./http/request-scope.ts";
import { thumbnails } from "./http/thumbnails.ts";
import { servicesOf } from "./services.ts";

const app = new Hono<AppEnv>();

app.use(requestScope);
app.use(secureHeaders({ crossOriginResourcePolicy: false }));
app.use(async (c, next) => {
  const services = servicesOf(c.env);
  c.set("services", services);
  services.presence.enter(c.var.trace);
  await next();
});
app.route("/", health);
app.route("/", graphql);
app.route("/", thumbnails);
app.notFound((c) => problem(c, new UserError("NOT_FOUND", `There is nothing at ${c.req.path}.`)));
app.onError((error, c) => {
  log("error", "unhandled", describeError(error));
  c.var.trace.codes.add("INTERNAL_SERVER_ERROR");
  const body = errorBody("Something went wrong on our side.", "INTERNAL_SERVER_ERROR");
  return c.json(body, 500, { "content-type": typeOfErrors(c.req.header("accept")) });
});

export { Meter } from "./access/meter.ts";
export { CompletionJob } from "./jobs/job.ts";
export { CompletionWorkflow } from "./jobs/workflow.ts";

export default app satisfies ExportedHandler<Env>;
