import { GraphQLError } from "graphql";
import type { GraphQLParams, Plugin } from "graphql-yoga";
import { refusal } from "../refusal.ts";

/**
 * Yoga's parsers trust parts of a request: that a GET's `variables` are JSON, that a form's `map` has lists of paths. What
 * they stumble over there is the caller's mistake, not a failure of ours. Where they are stricter than the specifications,
 * clients that others wrote are met halfway.
 */
export function useRequestReading(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          if (isForm(request)) withFieldsAsText(request);
          const params: unknown = await requestParser(request);
          if (Array.isArray(params)) return params;
          // A form's `operations` may say null, whatever the types promise.
          if (typeof params === "object" && params !== null) return known(params);
        } catch (error) {
          // By Yoga's own reading of the specification this would be 200 for who accepts application/json; the audits want 400.
          if (error instanceof GraphQLError) throw refusal("BAD_REQUEST", error.message, 400);
          // What JSON.parse throws, and what a value of another type than was expected leads to.
          if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
        }
        throw refusal(
          "BAD_REQUEST",
          "This is no GraphQL request: variables, extensions and a form's operations are JSON objects, its map one of lists of paths.",
          400,
        );
      });
    },
  };
}

/** What a request may have, by the specification; other members are a client's own, and ignored. @throws refusal without a query or its hash */
function known({ query, operationName, variables, extensions }: GraphQLParams): GraphQLParams {
  if (query === undefined && extensions?.persistedQuery === undefined) {
    throw refusal("BAD_REQUEST", "There is no `query`, and no `persistedQuery` among the extensions.", 400);
  }
  // Clients that name no operation say so by an empty name too.
  const params = { query, operationName: operationName === "" ? undefined : operationName, variables, extensions };
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
}

function isForm(request: Request): boolean {
  return request.headers.get("content-type")?.startsWith("multipart/form-data") ?? false;
}

/**
 * `operations` and `map` may come as parts of type application/json with a file name, as Java's and .NET's clients send
 * them (the specification names the fields alone), and with a byte order mark. Yoga reads text alone, without one.
 */
function withFieldsAsText(request: Request): void {
  const read = request.formData.bind(request);
  const formData = async (): Promise<FormData> => {
    const form = await read();
    for (const name of ["operations", "map"]) {
      const value: unknown = form.get(name);
      const text = value instanceof Blob ? await value.text() : value;
      if (typeof text === "string") form.set(name, text.replace(/^\uFEFF/, ""));
    }
    return form;
  };
  Object.defineProperty(request, "formData", { value: formData });
}
