import { GraphQLError } from "graphql";
import type { Plugin } from "graphql-yoga";
import { refusal } from "../refusal.ts";

/**
 * Yoga's parsers trust parts of a request: that a GET's `variables` are JSON, that a form's `map` has lists of paths. What
 * they stumble over there is the caller's mistake, not a failure of ours.
 */
export function useRequestReading(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          const params = await requestParser(request);
          // A form's `operations` may say null, whatever the types promise.
          if ((params as unknown) !== null) return params;
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
