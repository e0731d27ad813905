import type { Scope } from "../../access/index.ts";

/** What each root field needs; a field that is not here needs ADMIN (a test compares this with the schema). */
export const REQUIRED_SCOPE: Readonly<Record<string, Scope | "ANY" | "NOTHING">> = {
  __typename: "NOTHING",
  // Introspection is decided by `useIntrospectionPolicy`.
  __schema: "NOTHING",
  __type: "NOTHING",
  complete: "COMPLETE",
  likelihood: "COMPLETE",
  embed: "EMBED",
  embedMany: "EMBED",
  submitCompletion: "JOBS",
  cancelCompletion: "JOBS",
  completion: "JOBS",
  completionProgress: "JOBS",
  models: "ANY",
  model: "ANY",
  viewer: "ANY",
  apiKeys: "ADMIN",
  createApiKey: "ADMIN",
  rotateApiKey: "ADMIN",
  revokeApiKey: "ADMIN",
};

/** Fields that count as no request: they tell how many are left, or nothing at all. */
export const UNCOUNTED: ReadonlySet<string> = new Set(["__typename", "__schema", "__type", "viewer"]);
