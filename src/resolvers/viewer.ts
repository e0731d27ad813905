import type { QueryResolvers, ViewerResolvers } from "../../build/graphql-types.ts";

/** `Query.viewer` */
export const viewer: NonNullable<QueryResolvers["viewer"]> = (_, _args, { access }) => access.caller;

export const Viewer: ViewerResolvers = {
  key: ({ key }) => key,
  usage: async ({ limits }, _, { access }) => ({ ...(await access.usage()), ...limits }),
  usageByDay: (_, { days }, { access }) => access.usageByDay(days),
};
