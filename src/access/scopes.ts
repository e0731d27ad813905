import type { Scope } from "../../build/graphql-types.ts";

export type { Scope };

export const SCOPES: readonly Scope[] = ["COMPLETE", "EMBED", "JOBS", "ADMIN"];

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** What a request without a key may do, from `ANONYMOUS_SCOPES`. Never ADMIN; unknown names are left out. */
export function anonymousScopes(list: string): Set<Scope> {
  const scopes = list.split(",").map((name) => name.trim().toUpperCase());
  return new Set(scopes.filter(isScope).filter((scope) => scope !== "ADMIN"));
}
