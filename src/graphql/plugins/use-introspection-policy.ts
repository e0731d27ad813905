import { type GraphQLError, NoSchemaIntrospectionCustomRule } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { RequestContext } from "../context.ts";

/** The schema is told (by introspection, by "Did you mean") to admins only; to all where GraphiQL is on. */
export function useIntrospectionPolicy(): Plugin<RequestContext> {
  return {
    onValidate({ context, addValidationRule }) {
      if (!isOpen(context)) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
    onResultProcess({ result, serverContext }) {
      if (Array.isArray(result) || !("errors" in result) || isOpen(serverContext as RequestContext)) return;
      for (const error of result.errors ?? []) withoutSuggestions(error);
    },
  };
}

function isOpen({ env, access }: RequestContext): boolean {
  return env.GRAPHIQL === "on" || access.caller.scopes.has("ADMIN");
}

function withoutSuggestions(error: GraphQLError | { message: string }): void {
  if (error.message.includes("Did you mean")) {
    Object.assign(error, { message: error.message.replace(/ ?Did you mean [^?]*\?/g, "") });
  }
}
