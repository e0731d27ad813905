/** Apollo Client 4 with HttpLink, apollo-upload-client's link, and the link of graphql-sse's recipes. */
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
  Observable,
} from "@apollo/client";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import { print } from "graphql";
import { type Client, type ClientOptions, createClient, type RequestParams, type Sink } from "graphql-sse";
import { type Answer, type Connect, codesOf, type Embedded, type Watched } from "./operations.ts";

/** As https://the-guild.dev/graphql/sse/recipes has it, with Apollo Client 4's names of types; it sends what an operation has. */
class SSELink extends ApolloLink {
  readonly #client: Client;

  constructor(options: ClientOptions) {
    super();
    this.#client = createClient(options);
  }

  override request(operation: ApolloLink.Operation): Observable<ApolloLink.Result> {
    return new Observable((sink) =>
      this.#client.subscribe(
        { ...operation, query: print(operation.query) } as RequestParams,
        { next: sink.next.bind(sink), complete: sink.complete.bind(sink), error: sink.error.bind(sink) } as Sink,
      ),
    );
  }
}

export const apollo: Connect = (url, headers) => {
  const clientWith = (link: ApolloLink) => new ApolloClient({ cache: new InMemoryCache(), link });
  const http = clientWith(new HttpLink({ uri: url, headers }));
  const uploads = clientWith(new UploadHttpLink({ uri: url, headers }));
  // What would be tried again would be drawn anew.
  const streams = clientWith(new SSELink({ url, headers, retryAttempts: 0 }));

  return {
    query: <T>(query: string, variables = {}) => answered(http.query<T>({ query: gql(query), variables })),
    // To its cache and to its joining of queries one file is as another.
    upload: (query, file) =>
      answered(
        uploads.query<Embedded>({
          query: gql(query),
          variables: { file },
          fetchPolicy: "no-cache",
          context: { queryDeduplication: false },
        }),
      ),
    watch(query, variables, { next, end }) {
      const subscription = streams.subscribe<Watched>({ query: gql(query), variables }).subscribe({
        next({ data, error }) {
          if (error && !CombinedGraphQLErrors.is(error)) end(error);
          else next({ data, codes: error ? codesOf(error.errors) : [] });
        },
        error: end,
        complete: () => end(),
      });
      return () => subscription.unsubscribe();
    },
  };
};

async function answered<T>(asked: Promise<{ data?: T | undefined }>): Promise<Answer<T>> {
  try {
    return { data: (await asked).data, codes: [] };
  } catch (error) {
    if (!CombinedGraphQLErrors.is(error)) throw error;
    return { data: error.data as T | null | undefined, codes: codesOf(error.errors) };
  }
}
