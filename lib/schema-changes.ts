import { ChangeType, CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

/** The schema as it was released last; `npm run release:schema` writes it. */
export const RELEASED_SCHEMA = "docs/releases/schema.graphql";
export const CURRENT_SCHEMA = "src/schema.graphql";

/**
 * Not breaking by graphql-inspector's rules, but the default is documented: without it a call means something else, or,
 * where the type is non-null, isn't valid any more.
 */
const DEFAULTS: string[] = [ChangeType.FieldArgumentDefaultChanged, ChangeType.InputFieldDefaultValueChanged];

/** What in `after` breaks clients that were written against `before` (two schemas in the schema language), a sentence each. */
export async function breakingChanges(before: string, after: string): Promise<string[]> {
  const changes = await diff(buildSchema(before), buildSchema(after));
  return changes
    .filter(({ criticality, type }) => criticality.level === CriticalityLevel.Breaking || DEFAULTS.includes(type))
    .map(({ message }) => message);
}
