import type { Plugin } from "graphql-yoga";
import type { RequestContext } from "../context.ts";

/** Notes an operation's stages and its errors' codes for the request's log line. */
export function useTrace(): Plugin<RequestContext> {
  return {
    onResultProcess({ result, serverContext }) {
      const { trace } = serverContext as RequestContext;
      trace.mark("work");
      if (Array.isArray(result) || !("errors" in result)) return;
      for (const { extensions } of result.errors ?? []) {
        if (typeof extensions?.code === "string") trace.codes.add(extensions.code);
      }
    },
  };
}
