import { type DocumentNode, GraphQLError, parse } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { Access } from "../../access/index.ts";
import { UserError } from "../../errors.ts";
import { RESOLUTIONS } from "../../model/bundle/manifest.ts";
import type { RequestContext } from "../context.ts";
import { refusal } from "../refusal.ts";
import { inspectOperation, LIMITS } from "./inspect-operation.ts";
import { REQUIRED_SCOPE } from "./root-fields.ts";

/** Of a document; 4,096 flags of `keep`, of a 64x64 picture, take 4,096. */
const MAX_TOKENS = 8000;

const SMALLEST = Math.min(...RESOLUTIONS);
const LARGEST = Math.max(...RESOLUTIONS);

/**
 * Refuses operations that are too costly or not for this caller: after parsing, before validation and any work. Who may
 * do nothing thus learns nothing of the schema either.
 */
export function useLimits(): Plugin<RequestContext> {
  return {
    onParse({ context, setParseFn }) {
      setParseFn((source, options) => boundedParse(source, options));
      return ({ result }) => {
        if (result === null || result instanceof Error) {
          if (result instanceof GraphQLError && result.extensions.code === "QUERY_TOO_COSTLY") throw result;
          if (result && /more th?a[nt] \d+ tokens/.test(result.message)) throw tooManyTokens();
          return;
        }
        const { params, trace, access } = context;
        trace.mark("body");
        const summary = inspectOperation(result, params?.operationName, params?.variables ?? {}, () => SMALLEST);
        trace.operation = summary;
        for (const field of summary.rootFields) allow(access, REQUIRED_SCOPE[field] ?? "ADMIN", field);
      };
    },
    // Which models there are is asked of the bucket only for what may be too much for the largest of them.
    onExecute: ({ args }) => judge(args.contextValue, args.document),
    onSubscribe: ({ args }) => judge(args.contextValue, args.document),
  };
}

/** Again with the sides of the models' pictures. A model that cannot be found is for its field to report. */
async function judge({ params, trace, models }: RequestContext, document: DocumentNode): Promise<void> {
  if (!trace.operation || trace.operation.cost * (LARGEST / SMALLEST) ** 2 <= LIMITS.cost) return;
  const sides = new Map<unknown, number>();
  for (const id of trace.operation.models) {
    const model = await models.model(typeof id === "string" ? id : null).catch(() => undefined);
    sides.set(id, model?.resolution ?? SMALLEST);
  }
  inspectOperation(document, params?.operationName, params?.variables ?? {}, (id) => sides.get(id) ?? SMALLEST);
}

function boundedParse(...[source, options]: Parameters<typeof parse>): ReturnType<typeof parse> {
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS, noLocation: false });
  } catch (error) {
    // Thousands of brackets in one another exhaust the parser's stack.
    if (error instanceof RangeError) throw refusal("QUERY_TOO_COSTLY", "This query is nested too deeply.", 400);
    throw error;
  }
}

function tooManyTokens() {
  return refusal("QUERY_TOO_COSTLY", `This query is too costly: it has more than ${MAX_TOKENS} tokens.`, 400);
}

/** What a caller may not ask for at all, and what is no field, are told apart only to those who may do something. */
function allow(access: Access, needed: "NOTHING" | Parameters<Access["require"]>[0], field: string): void {
  if (needed === "NOTHING") return;
  try {
    access.require(field in REQUIRED_SCOPE ? needed : "ANY");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const status = error.code === "UNAUTHENTICATED" ? 401 : 403;
    throw refusal(error.code, error.message, status, status === 401 ? { "www-authenticate": "Bearer" } : {});
  }
}
