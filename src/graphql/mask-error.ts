import { GraphQLError } from "graphql";
import { UserError } from "../errors.ts";

/**
 * What a caller may see of an error. A UserError keeps its message and code; a mistake in the query or its variables gets
 * the code that tells which input it is in; anything else is a bug or an outage and is masked (Yoga logs it).
 */
export function maskError(error: unknown, message: string): Error {
  const original = error instanceof GraphQLError ? error.originalError : error;
  const location = error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {};
  if (original instanceof UserError) {
    return new GraphQLError(original.message, { ...location, extensions: { code: original.code } });
  }
  if (
    error instanceof GraphQLError &&
    (original === undefined || original === null || original instanceof GraphQLError)
  ) {
    const code = error.extensions.code ?? codeOfQueryError(error.message);
    return new GraphQLError(error.message, { ...location, extensions: { ...error.extensions, code } });
  }
  return new GraphQLError(message, { ...location, extensions: { code: "INTERNAL_SERVER_ERROR" } });
}

/**
 * GraphQL refuses a wrong value before a resolver sees it (two forms of image at once, "a lot" of samples). To the caller
 * that is as much a BAD_IMAGE or BAD_OPTION as what the resolvers refuse, so it gets the same code.
 */
function codeOfQueryError(message: string): string {
  if (message.startsWith("Syntax Error")) return "GRAPHQL_PARSE_FAILED";
  if (/ImageInput|\(image|OneOf|invalid value at \.(base64|file|url|id)\b/.test(message)) return "BAD_IMAGE";
  if (/invalid value|cannot represent|[Ee]xpected (a )?value|is required, but/.test(message)) return "BAD_OPTION";
  return "GRAPHQL_VALIDATION_FAILED";
}
