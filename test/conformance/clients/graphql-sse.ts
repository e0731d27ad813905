/** graphql-sse by itself, in distinct connections mode: queries are streams of one event. */
import { createClient, NetworkError } from "graphql-sse";
import { type Connect, codesOf, type Watched } from "./operations.ts";

export const graphqlSse: Connect = (url, headers) => {
  const client = createClient({ url, headers, retryAttempts: 0 });
  return {
    async query<T>(query: string, variables = {}) {
      try {
        const { value } = await client.iterate<T>({ query, variables }).next();
        return { data: value?.data, codes: codesOf(value?.errors) };
      } catch (error) {
        return { data: null, codes: await codesOfRefusal(error) };
      }
    },
    watch: (query, variables, { next, end }) =>
      client.subscribe<Watched>(
        { query, variables },
        { next: ({ data, errors }) => next({ data, codes: codesOf(errors) }), error: end, complete: () => end() },
      ),
  };
};

/** A stream that never began: the answer is in the error. */
export async function codesOfRefusal(error: unknown): Promise<unknown[]> {
  if (!(error instanceof NetworkError) || !(error.response instanceof Response)) throw error;
  const { errors } = (await error.response.json()) as { errors: { extensions: Record<string, unknown> }[] };
  return codesOf(errors);
}
