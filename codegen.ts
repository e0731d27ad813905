import type { CodegenConfig } from "@graphql-codegen/cli";

/** Types of the resolvers, and the React example's typed documents, from the schema: `npm run build:types`. */
const config: CodegenConfig = {
  schema: "src/schema.graphql",
  generates: {
    "build/graphql-types.ts": {
      plugins: ["typescript", "typescript-resolvers"],
      config: {
        useTypeImports: true,
        strictScalars: true,
        enumsAsTypes: true,
        defaultScalarType: "unknown",
        scalars: {
          File: { input: "File", output: "File" },
          URL: { input: "string", output: "string" },
          DateTime: { input: "string", output: "string" },
        },
        contextType: "../src/graphql/context.ts#RequestContext",
        mapperTypeSuffix: "Parent",
        mappers: {
          Completion: "../src/resolvers/parents.ts#CompletionParent",
          CompletionProgress: "../src/resolvers/parents.ts#ProgressParent",
          SampleProgress: "../src/resolvers/parents.ts#SampleProgressParent",
          Image: "../src/resolvers/parents.ts#ImageParent",
          ApiKey: "../src/resolvers/parents.ts#ApiKeyParent",
          Viewer: "../src/resolvers/parents.ts#ViewerParent",
          Model: "../src/resolvers/parents.ts#ModelParent",
        },
      },
    },
    "build/example-documents.ts": {
      documents: "examples/react/*.graphql",
      plugins: ["typescript-operations", "typed-document-node"],
      config: {
        useTypeImports: true,
        strictScalars: true,
        enumsAsTypes: true,
        defaultScalarType: "unknown",
        scalars: { File: "File", URL: "string", DateTime: "string" },
      },
    },
  },
};

export default config;
