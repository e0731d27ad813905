import { createSchema, createYoga } from "graphql-yoga";
import { resolvers } from "../resolvers/index.ts";
import typeDefs from "../schema.graphql";
import type { ServerContext } from "./context.ts";
import { maskError } from "./mask-error.ts";

/** The largest body of a request: a picture of 20 MB in base64 and some query around it. */
export const MAX_BODY_BYTES = 28 * 1024 * 1024;

/** The GraphQL server; built once an isolate. */
export function createGraphQL() {
  return createYoga<ServerContext>({
    schema: createSchema({ typeDefs, resolvers }),
    graphqlEndpoint: "/graphql",
    maskedErrors: {
      maskError,
      errorMessage: "Something went wrong on our side. Try again; if it stays, tell us the request id.",
    },
    maxRequestBodySize: MAX_BODY_BYTES,
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
  });
}
