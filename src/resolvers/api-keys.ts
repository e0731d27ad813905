import type { ApiKeyResolvers, MutationResolvers, QueryResolvers } from "../../build/graphql-types.ts";
import type { Actor } from "../access/index.ts";
import type { RequestContext } from "../graphql/context.ts";

/** `Query.apiKeys` */
export const apiKeys: NonNullable<QueryResolvers["apiKeys"]> = (_, _args, { keys }) => keys.list();

/** `Mutation.createApiKey` */
export const createApiKey: NonNullable<MutationResolvers["createApiKey"]> = (_, { input }, context) =>
  context.keys.create(input, actor(context), Date.now());

/** `Mutation.rotateApiKey` */
export const rotateApiKey: NonNullable<MutationResolvers["rotateApiKey"]> = (_, { id, graceSeconds }, context) =>
  context.keys.rotate(id, graceSeconds, actor(context), Date.now());

/** `Mutation.revokeApiKey` */
export const revokeApiKey: NonNullable<MutationResolvers["revokeApiKey"]> = (_, { id }, context) =>
  context.keys.revoke(id, actor(context), Date.now());

export const ApiKey: ApiKeyResolvers = {
  scopes: ({ scopes }) => [...scopes],
  allowedOrigins: ({ allowedOrigins }) => [...allowedOrigins],
  operations: ({ operations }) => operations && [...operations],
  requestsPerMinute: ({ limits }) => limits.requestsPerMinute,
  pixelsPerMonth: ({ limits }) => limits.pixelsPerMonth,
  createdAt: ({ createdAt }) => new Date(createdAt).toISOString(),
  expiresAt: ({ expiresAt }) => instant(expiresAt),
  revokedAt: ({ revokedAt }) => instant(revokedAt),
  lastUsedAt: ({ lastUsedAt }) => instant(lastUsedAt),
};

function instant(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

function actor({ access, trace }: RequestContext): Actor {
  return { id: access.caller.owner, requestId: trace.requestId };
}
