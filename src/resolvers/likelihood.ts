import type { QueryResolvers } from "../../build/graphql-types.ts";
import { readTokens } from "./read-tokens.ts";

/** `Query.likelihood` */
export const likelihood: NonNullable<QueryResolvers["likelihood"]> = async (_, { image, model: id }, context) => {
  const model = await context.models.model(id);
  const { tokens } = await readTokens(image, model, context);
  const { perPixel, ...means } = await context.inference.likelihood(model, tokens, context.request.signal);
  return { model, ...means, perPixel: Array.from(perPixel) };
};
