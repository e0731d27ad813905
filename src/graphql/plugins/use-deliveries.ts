import type { ExecutionResult } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { RequestContext } from "../context.ts";

/** Tells those who made something whether it is in the answer: only then is it charged. */
export function useDeliveries(): Plugin<RequestContext> {
  return {
    onExecute({ args: { contextValue } }) {
      const { access, request } = contextValue;
      return {
        onExecuteDone: ({ result }) =>
          access.deliveries.settle(request.signal.aborted ? "left" : (result as ExecutionResult).data),
      };
    },
    onSubscribe({ args: { contextValue } }) {
      return {
        onSubscribeResult: () => ({
          // Before the source is asked for the next event, or for its end.
          onNext({ result }) {
            if ((result as ExecutionResult).errors?.length) contextValue.access.deliveries.cut();
          },
        }),
      };
    },
  };
}
