import { createLRUCache, type GraphQLParams, type Plugin } from "graphql-yoga";
import { sha256 } from "../../access/index.ts";
import type { RequestContext } from "../context.ts";
import { refusal } from "../refusal.ts";

/** Characters of a document that may be kept: a picture in a literal belongs into a variable. */
const MAX_LENGTH = 16 * 1024;
const MAX_KEPT = 200;
/** Seconds that a location keeps a document nobody asks for. */
const MAX_AGE = 24 * 3600;
const HASH = /^[0-9a-f]{64}$/;

/**
 * Automatic persisted queries (Apollo's protocol), and the list that a publishable key may be locked to.
 * A document is kept under its own SHA-256, so that nobody can put another in its place: in the isolate and, where there
 * is one, in the location's cache. A client whose document is gone sends it again; that is part of the protocol.
 */
export function usePersistedOperations(): Plugin<RequestContext> {
  const recent = createLRUCache<string>({ max: MAX_KEPT });
  return {
    async onParams({ params, setParams, context }) {
      const { access, keys, waitUntil } = context as RequestContext;
      const hash = hashOf(params);
      const list = access.caller.key?.operations;
      if (list) {
        const wanted = params.query ? await sha256(params.query) : hash;
        if (!wanted || !list.includes(wanted)) {
          throw refusal("FORBIDDEN", "This key is locked to a list of operations, and this is none of them.", 403);
        }
        if (!params.query) setParams({ ...params, query: (await keys.operation(wanted)) ?? "" });
        return;
      }
      if (hash === undefined) return;
      if (params.query) {
        if ((await sha256(params.query)) !== hash) {
          throw refusal("BAD_REQUEST", "PersistedQueryMismatch: sha256Hash is not that of the query.", 400);
        }
        if (params.query.length > MAX_LENGTH) return;
        recent.set(hash, params.query);
        waitUntil(keep(hash, params.query));
        return;
      }
      const query = recent.get(hash) ?? (await find(hash));
      // The protocol's own wording: clients look for it and send the document.
      if (!query) throw refusal("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound", 200);
      recent.set(hash, query);
      setParams({ ...params, query });
    },
  };
}

function hashOf({ extensions }: GraphQLParams): string | undefined {
  const persisted: unknown = extensions?.persistedQuery;
  if (typeof persisted !== "object" || persisted === null || !("sha256Hash" in persisted)) return undefined;
  const hash = String(persisted.sha256Hash).toLowerCase();
  if (!HASH.test(hash)) throw refusal("BAD_REQUEST", "persistedQuery.sha256Hash: 64 hex digits.", 400);
  return hash;
}

async function keep(hash: string, query: string): Promise<void> {
  const headers = { "cache-control": `public, max-age=${MAX_AGE}`, "content-type": "text/plain" };
  await locationCache()?.put(cacheKey(hash), new Response(query, { headers }));
}

async function find(hash: string): Promise<string | undefined> {
  return (await locationCache()?.match(cacheKey(hash)))?.text();
}

function cacheKey(hash: string): string {
  return `https://persisted-operations.invalid/${hash}`;
}

function locationCache(): Cache | undefined {
  // A dependency pulls in the DOM's types, which know no default cache.
  return typeof caches === "undefined" ? undefined : (caches as unknown as { default?: Cache }).default;
}
