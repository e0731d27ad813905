import { type Context, Hono } from "hono";
import { Access, identify, KeyStore, pictureOwner } from "../access/index.ts";
import { UserError } from "../errors.ts";
import { createGraphQL } from "../graphql/yoga.ts";
import { Jobs } from "../jobs/index.ts";
import { drain } from "../net/drain.ts";
import { ACCEPTABLE, byWeight } from "./accept.ts";
import type { AppEnv } from "./app-env.ts";
import { boundBody } from "./bounded-body.ts";
import { cors } from "./cors.ts";
import { floodGuard } from "./flood-guard.ts";
import { errorBody, HttpRefusal, problem, typeOfErrors } from "./problem.ts";

let yoga: ReturnType<typeof createGraphQL> | undefined;

export const graphql = new Hono<AppEnv>();

graphql.use("/graphql", cors, floodGuard);

/** `/graphql`: the API, and GraphiQL for a browser where it is switched on. */
graphql.all("/graphql", async (c) => {
  const wantsPage = c.req.method === "GET" && c.req.header("accept")?.includes("text/html") && !c.req.query("query");
  if (wantsPage && c.env.GRAPHIQL === "on") return c.env.ASSETS.fetch(new URL("/graphiql/", c.req.url));
  try {
    return await answer(c);
  } catch (error) {
    if (error instanceof UserError) return problem(c, error);
    throw error;
  }
});

/** Who asks is known, and the body bounded, before anything of it is read. */
async function answer(c: Context<AppEnv>): Promise<Response> {
  const { services, trace } = c.var;
  const keys = new KeyStore(c.env.DB);
  const now = Date.now();
  const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const caller = await services.light.do(() => identify(c.req.raw, keys, c.env, now), { more: false });
  trace.keyId = caller.key?.id ?? null;
  if (caller.key) waitUntil(keys.touch(caller.key, now));
  trace.mark("access");
  const access = new Access(caller, c.env.METERS, waitUntil);
  const body = await boundBody(await byWeight(await ofMethod(c.req.raw)));
  try {
    yoga ??= createGraphQL();
    const jobs = new Jobs(c.env);
    const images = { ...services.images, owner: pictureOwner(caller) };
    const context = { env: c.env, waitUntil, ...services, images, jobs, access, keys, trace };
    const response = await yoga.fetch(body.request, context);
    const cut = body.problem();
    return cut ? problem(c, cut) : finished(response, access, c.req.header("accept"));
  } finally {
    // Where GraphQL ended in another way than with an answer.
    await access.deliveries.settle("left");
    body.release();
  }
}

/** @throws HttpRefusal 405 for methods that GraphQL over HTTP has not */
async function ofMethod(request: Request): Promise<Request> {
  if (request.method === "GET" || request.method === "POST") return request;
  if (request.body) await drain(request.body.getReader());
  throw new HttpRefusal("BAD_REQUEST", "Send the request by POST; a query may also come by GET.", 405, {
    Allow: "GET, POST",
  });
}

/** What Yoga answers, with what is left of the limits, and never without a body that says what is wrong. */
function finished(response: Response, access: Access, accept: string | undefined): Response {
  const headers = new Headers(response.headers);
  access.headers.writeTo(headers);
  const { status } = response;
  if (status < 400 || response.body) return new Response(response.body, { status, headers });
  headers.set("content-type", typeOfErrors(accept));
  const message =
    status === 415
      ? "Send the query as application/json, or as multipart/form-data with files."
      : status === 406
        ? ACCEPTABLE
        : "This is no GraphQL request.";
  return new Response(JSON.stringify(errorBody(message, "BAD_REQUEST")), { status, headers });
}
