import type { Plugin } from "graphql-yoga";
import { refusal } from "../refusal.ts";

/** What a web page can send to another origin without a preflight; a request without a body has no type at all. */
const SIMPLE_TYPES = new Set(["", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]);
/** Any of these makes a browser ask first, with a preflight that CORS answers. */
const PREFLIGHT_HEADERS = [
  "x-graphql-yoga-csrf",
  "apollo-require-preflight",
  "graphql-preflight",
  "graphql-require-preflight",
  "gql-require-preflight",
  "x-csrf",
  "x-csrf-token",
  "x-requested-with",
  "authorization",
];

/** Refuses requests that any web page could make a visitor's browser send. A JSON POST is none of them. */
export function useCsrfPrevention(): Plugin {
  return {
    onRequestParse({ request }) {
      const type = (request.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
      if (!SIMPLE_TYPES.has(type) || PREFLIGHT_HEADERS.some((name) => request.headers.has(name))) return;
      throw refusal(
        "FORBIDDEN",
        "A GET, a form or plain text could come from any web page: add the header x-graphql-yoga-csrf: 1, or send a JSON POST.",
        403,
      );
    },
  };
}
