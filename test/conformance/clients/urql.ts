/** urql: its fetch exchange, which uploads files, and subscriptions by graphql-sse or by the fetch exchange itself. */
import { createClient as createSSEClient, type RequestParams, type Sink } from "graphql-sse";
import { Client, type CombinedError, fetchExchange, subscriptionExchange } from "urql";
import { type Connect, codesOf, type Watched } from "./operations.ts";

/** https://nearform.com/open-source/urql/docs/advanced/subscriptions: the subscription exchange. */
export const urql: Connect = (url, headers) => {
  const sse = createSSEClient({ url, headers, retryAttempts: 0 });
  const exchange = subscriptionExchange({
    forwardSubscription: (operation) => ({
      subscribe: (sink) => ({ unsubscribe: sse.subscribe(operation as RequestParams, sink as Sink) }),
    }),
  });
  return peerOf(new Client({ ...optionsOf(url, headers), exchanges: [fetchExchange, exchange] }));
};

/** `fetchSubscriptions`, its own server-sent events. */
export const urqlByFetch: Connect = (url, headers) =>
  peerOf(new Client({ ...optionsOf(url, headers), exchanges: [fetchExchange], fetchSubscriptions: true }));

const optionsOf = (url: string, headers: Record<string, string>) => ({
  url,
  fetchOptions: { headers },
  preferGetMethod: false,
});

function peerOf(client: Client): ReturnType<Connect> {
  return {
    async query(query, variables = {}) {
      const { data, error } = await client.query(query, variables).toPromise();
      return { data, codes: graphQLCodes(error) };
    },
    async upload(query, file) {
      const { data, error } = await client.query(query, { file }).toPromise();
      return { data, codes: graphQLCodes(error) };
    },
    watch(query, variables, { next, end }) {
      let seen = false;
      const { unsubscribe } = client.subscription<Watched>(query, variables).subscribe(({ data, error, hasNext }) => {
        if (error?.networkError) return end(error.networkError);
        // It says that a stream has ended by its last result once more.
        if (hasNext || !seen) next({ data, codes: graphQLCodes(error) });
        if (!hasNext) end();
        seen = true;
      });
      return unsubscribe;
    },
  };
}

/** @throws the network's error, which is none of ours */
function graphQLCodes(error: CombinedError | undefined): unknown[] {
  if (error?.networkError) throw error.networkError;
  return codesOf(error?.graphQLErrors);
}
