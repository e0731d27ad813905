/** graphql-request, which has neither uploads nor streams. */
import { ClientError, GraphQLClient } from "graphql-request";
import { type Connect, codesOf } from "./operations.ts";

export const graphqlRequest: Connect = (url, headers) => {
  const client = new GraphQLClient(url, { headers });
  return {
    async query<T>(query: string, variables = {}) {
      try {
        return { data: await client.request<T>(query, variables), codes: [] };
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        return { data: error.response.data as T | null | undefined, codes: codesOf(error.response.errors) };
      }
    },
  };
};
