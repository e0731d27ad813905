import { GraphQLError, GraphQLScalarType } from "graphql";

/** Only as a variable: the multipart request puts it there. */
export const File = new GraphQLScalarType({
  name: "File",
  parseValue(value) {
    if (value instanceof Blob) return value;
    throw new GraphQLError(
      'ImageInput.file is an upload: send a multipart request (see "GraphQL multipart request specification").',
    );
  },
  parseLiteral() {
    throw new GraphQLError("ImageInput.file is an upload: pass it as a variable of a multipart request.");
  },
});
