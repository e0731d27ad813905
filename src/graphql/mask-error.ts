import { type ASTNode, GraphQLError } from "graphql";
import { UserError } from "../errors.ts";

/** Characters of a message: GraphQL puts the refused value into it, which may be a picture of some megabytes. */
const MAX_MESSAGE = 600;
/** What libraries call any mistake of a query or its variables. */
const GENERAL = new Set<unknown>([undefined, "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"]);

/**
 * What a caller may see of an error. A UserError keeps its message and code; a mistake in the query or its variables gets
 * the code that tells which input it is in; anything else is a bug or an outage and is masked (Yoga logs it).
 */
export function maskError(error: unknown, message: string): Error {
  const original = originalOf(error);
  const location = error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {};
  if (original instanceof UserError) {
    return new GraphQLError(shortened(original.message), { ...location, extensions: { code: original.code } });
  }
  if (isMistake(error)) {
    const shown = shortened(error.message);
    // A parser's own error is of the inside.
    const { originalError: _, code, ...extensions } = error.extensions;
    const specific = GENERAL.has(code) ? codeOfQueryError(shown, error.nodes?.[0]) : code;
    return new GraphQLError(shown, { ...location, extensions: { ...extensions, code: specific } });
  }
  return new GraphQLError(message, { ...location, extensions: { code: "INTERNAL_SERVER_ERROR" } });
}

/** Whether a query or its variables are wrong in themselves, as GraphQL found: nothing that broke. */
export function isMistake(error: unknown): error is GraphQLError {
  const original = originalOf(error);
  return error instanceof GraphQLError && (!original || original instanceof GraphQLError);
}

function originalOf(error: unknown): unknown {
  return error instanceof GraphQLError ? error.originalError : error;
}

/** The beginning names the variable, the end says what is wrong with it. */
function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  return `${message.slice(0, MAX_MESSAGE / 2)} ... ${message.slice(-MAX_MESSAGE / 2)}`;
}

/** GraphQL's words for a value that does not fit its type: in a variable, in a literal, or not there. */
const OF_A_VALUE =
  /invalid value|cannot represent|[Ee]xpected (a )?value|Within OneOf|does not exist in ".*" enum|is required, but|was not provided|must not be null|is an upload/;
const OF_A_PICTURE = /ImageInput|\(images?:\)|OneOf|Argument "images?" has|at "[^"]*\.(base64|file|url|id)"/;

/**
 * GraphQL refuses a wrong value before a resolver sees it (two forms of image at once, "a lot" of samples). To the caller
 * that is as much a BAD_IMAGE or BAD_OPTION as what the resolvers refuse, so it gets the same code, be it in a variable or
 * in the text of the query.
 */
function codeOfQueryError(message: string, node: ASTNode | undefined): string {
  if (message.startsWith("Syntax Error")) return "GRAPHQL_PARSE_FAILED";
  if (!OF_A_VALUE.test(message)) return "GRAPHQL_VALIDATION_FAILED";
  return OF_A_PICTURE.test(message) || isFormOfImage(node) ? "BAD_IMAGE" : "BAD_OPTION";
}

/** Whether a literal stands where a picture's data do: the message tells its type alone. */
function isFormOfImage(node: ASTNode | undefined): boolean {
  const before = node?.loc?.source.body.slice(Math.max(0, node.loc.start - 40), node.loc.start) ?? "";
  return /\b(base64|file|url)\s*:\s*$/.test(before);
}
