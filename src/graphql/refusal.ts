import { GraphQLError } from "graphql";

/** An error that ends an operation before it is executed, with an HTTP status of its own. */
export function refusal(
  code: string,
  message: string,
  status: number,
  headers: Record<string, string> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } });
}
