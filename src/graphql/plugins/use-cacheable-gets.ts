import type { Plugin } from "graphql-yoga";
import type { RequestContext } from "../context.ts";

/** Seconds. A new version of a model may be published at any time. */
const MAX_AGE = 60;
/** Fields whose answer depends on the request and the model alone. Not `complete`: without a seed each answer is another. */
const CACHEABLE = new Set(["__typename", "embed", "embedMany", "likelihood", "models", "model"]);

/**
 * Lets answers to GETs (persisted operations) be kept: by anyone's cache where no key was needed, else by the asker's own.
 * Everything else says no-store.
 */
export function useCacheableGets(): Plugin<RequestContext> {
  return {
    onResponse({ request, response, serverContext }) {
      const { access, trace } = serverContext as RequestContext;
      const keepable =
        request.method === "GET" &&
        response.status === 200 &&
        trace.codes.size === 0 &&
        trace.operation?.type === "query" &&
        trace.operation.rootFields.every((field) => CACHEABLE.has(field));
      const scope = access.caller.key === null && access.caller.meter === null ? "public" : "private";
      response.headers.set("cache-control", keepable ? `${scope}, max-age=${MAX_AGE}` : "no-store");
      response.headers.append("vary", "Authorization, Accept");
    },
  };
}
