import type { QueryResolvers } from "../../build/graphql-types.ts";
import { UserError } from "../errors.ts";

/** `Query.models` */
export const models: NonNullable<QueryResolvers["models"]> = (_, _args, context) => context.models.models();

/** `Query.model`: null for an id that is not there; a broken bucket is still an error. */
export const model: NonNullable<QueryResolvers["model"]> = async (_, { id }, context) => {
  try {
    return await context.models.model(id);
  } catch (error) {
    if (id && error instanceof UserError && error.code === "MODEL_NOT_FOUND") return null;
    throw error;
  }
};
