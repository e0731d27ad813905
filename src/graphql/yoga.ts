import type { DocumentNode } from "graphql";
import { createSchema, createYoga, type YogaLogger } from "graphql-yoga";
import { UserError } from "../errors.ts";
import { describeError, log } from "../http/log.ts";
import { resolvers } from "../resolvers/index.ts";
import typeDefs from "../schema.graphql";
import type { ServerContext } from "./context.ts";
import { shortDocumentCache } from "./document-cache.ts";
import { isMistake, maskError } from "./mask-error.ts";
import { useCacheableGets } from "./plugins/use-cacheable-gets.ts";
import { useCsrfPrevention } from "./plugins/use-csrf-prevention.ts";
import { useDeliveries } from "./plugins/use-deliveries.ts";
import { useIntrospectionPolicy } from "./plugins/use-introspection-policy.ts";
import { useLimits } from "./plugins/use-limits.ts";
import { usePersistedOperations } from "./plugins/use-persisted-operations.ts";
import { useRequestCount } from "./plugins/use-request-count.ts";
import { useRequestReading } from "./plugins/use-request-reading.ts";
import { useTrace } from "./plugins/use-trace.ts";
import { useValidationCodes } from "./plugins/use-validation-codes.ts";

/** The GraphQL server; built once an isolate. */
export function createGraphQL() {
  return createYoga<ServerContext>({
    schema: createSchema({ typeDefs, resolvers }),
    graphqlEndpoint: "/graphql",
    maskedErrors: {
      maskError,
      errorMessage: "Something went wrong on our side. Try again; if it stays, tell us the request id.",
    },
    // In the order in which they act on a request.
    plugins: [
      useTrace(),
      useCsrfPrevention(),
      useRequestReading(),
      usePersistedOperations(),
      useLimits(),
      useIntrospectionPolicy(),
      useValidationCodes(),
      useRequestCount(),
      useDeliveries(),
      useCacheableGets(),
    ],
    parserAndValidationCache: {
      documentCache: shortDocumentCache<DocumentNode>(),
      errorCache: shortDocumentCache<Error>(),
    },
    logging,
    // Bodies are bounded before they come here: http/bounded-body.ts.
    maxRequestBodySize: false,
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
  });
}

/** Yoga reports each error that it masks; those that callers can mend are no news, and have their values in their words. */
const logging: YogaLogger = {
  debug() {},
  info() {},
  warn: (...args: unknown[]) => log("warn", "graphql", { message: args.map(String).join(" ") }),
  error(error: unknown) {
    const original = error instanceof Error && "originalError" in error ? (error.originalError ?? error) : error;
    if (!(original instanceof UserError) && !isMistake(error)) log("error", "graphql", describeError(original));
  },
};
