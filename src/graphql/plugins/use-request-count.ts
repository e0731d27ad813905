import type { ExecutionResult } from "graphql";
import type { Plugin } from "graphql-yoga";
import { UserError } from "../../errors.ts";
import type { RequestContext } from "../context.ts";
import { refusal } from "../refusal.ts";
import { UNCOUNTED } from "./root-fields.ts";

/** Failures that are ours: such a request is given back to its key. */
const OURS = new Set(["INTERNAL_SERVER_ERROR", "BUSY", "ORIGIN_UNAVAILABLE", "MODEL_CORRUPT"]);

/** Counts an operation against its key's requests a minute, before it is executed. */
export function useRequestCount(): Plugin<RequestContext> {
  return {
    async onExecute({ args: { contextValue } }) {
      const giveBack = await count(contextValue);
      return {
        onExecuteDone({ result }) {
          if (isOurFailure(result as ExecutionResult)) contextValue.waitUntil(giveBack());
        },
      };
    },
    async onSubscribe({ args: { contextValue } }) {
      const giveBack = await count(contextValue);
      return {
        onSubscribeResult({ result }) {
          if (isOurFailure(result as ExecutionResult)) contextValue.waitUntil(giveBack());
        },
      };
    },
  };
}

async function count({ trace, access }: RequestContext): Promise<() => Promise<void>> {
  if (trace.operation?.rootFields.every((field) => UNCOUNTED.has(field))) return async () => {};
  try {
    return await access.countRequest();
  } catch (error) {
    if (error instanceof UserError) throw refusal(error.code, error.message, 429);
    throw error;
  }
}

/** Whether all came to nothing, and not by the caller's doing. */
function isOurFailure({ data, errors }: ExecutionResult): boolean {
  if (!errors?.length || (data && Object.values(data).some(isThere))) return false;
  return errors.every(({ extensions, originalError }) => {
    const code = originalError instanceof UserError ? originalError.code : extensions?.code;
    return originalError !== undefined ? OURS.has(String(code ?? "INTERNAL_SERVER_ERROR")) : OURS.has(String(code));
  });
}

/** A list of nulls alone brought nothing either. */
function isThere(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 ? value.some((item) => item !== null) : value !== null;
}
