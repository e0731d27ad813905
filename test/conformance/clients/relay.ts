/** Relay's network layer: a fetch function, and subscriptions by graphql-sse. */
import { createClient, type Sink } from "graphql-sse";
import {
  Environment,
  type FetchFunction,
  type GraphQLResponse,
  type GraphQLSingularResponse,
  Network,
  Observable,
  RecordSource,
  type RequestParameters,
  Store,
  type SubscribeFunction,
  type UploadableMap,
} from "relay-runtime";
import { type Answer, type Connect, codesOf, type Variables, type Watched } from "./operations.ts";

export const relay: Connect = (url, headers) => {
  // https://relay.dev/docs/guides/network-layer; files as the GraphQL multipart request specification has them.
  const fetchQuery: FetchFunction = async ({ text: query }, variables, _cache, uploadables) => {
    const operation = { query, variables };
    const response = await fetch(url, {
      method: "POST",
      headers: uploadables ? headers : { "content-type": "application/json", ...headers },
      body: uploadables ? formOf(operation, uploadables) : JSON.stringify(operation),
    });
    return (await response.json()) as GraphQLResponse;
  };
  // https://the-guild.dev/graphql/sse/recipes: with Relay.
  const client = createClient({ url, headers, retryAttempts: 0 });
  const subscribe: SubscribeFunction = ({ name: operationName, text }, variables) =>
    Observable.create((sink) => {
      if (!text) return sink.error(new Error("Operation text cannot be empty"));
      return client.subscribe({ operationName, query: text, variables }, sink as Sink);
    });
  const environment = new Environment({
    network: Network.create(fetchQuery, subscribe),
    store: new Store(new RecordSource()),
  });
  const execute = (query: string, variables: Variables, uploadables?: UploadableMap) =>
    environment.getNetwork().execute(compiled(query), variables, {}, uploadables);

  return {
    query: async <T>(query: string, variables: Variables = {}) =>
      answerOf<T>(await execute(query, variables).toPromise()),
    upload: async (query, file) => answerOf(await execute(query, { file: null }, { file }).toPromise()),
    watch(query, variables, { next, end }) {
      const subscription = execute(query, variables).subscribe({
        next: (response) => next(answerOf<Watched>(response)),
        error: end,
        complete: () => end(),
      });
      return () => subscription.unsubscribe();
    },
  };
};

/** What Relay's compiler makes of a document, as far as the network layer reads it. */
function compiled(text: string): RequestParameters {
  const [, operationKind, name] = /^(query|mutation|subscription) (\w+)/.exec(text) ?? [];
  if (operationKind !== "query" && operationKind !== "mutation" && operationKind !== "subscription")
    throw new Error(text);
  return { name: name ?? "", operationKind, text, id: null, cacheID: text, metadata: {} };
}

function formOf(operation: object, uploadables: UploadableMap): FormData {
  const form = new FormData();
  const names = Object.keys(uploadables);
  form.append("operations", JSON.stringify(operation));
  form.append("map", JSON.stringify(Object.fromEntries(names.map((name) => [name, [`variables.${name}`]]))));
  for (const [name, file] of Object.entries(uploadables)) form.append(name, file);
  return form;
}

function answerOf<T>(response: GraphQLResponse | undefined): Answer<T> {
  const { data, errors } = response as GraphQLSingularResponse & {
    errors?: { extensions?: Record<string, unknown> }[];
  };
  return { data: data as T | null | undefined, codes: codesOf(errors) };
}
