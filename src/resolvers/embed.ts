import type { QueryResolvers } from "../../build/graphql-types.ts";
import { UserError } from "../errors.ts";
import { MAX_PICTURES } from "../model/options.ts";
import type { Embedding, Model } from "../model/types.ts";
import { readTokens } from "./read-tokens.ts";

/** `Query.embed` */
export const embed: NonNullable<QueryResolvers["embed"]> = async (_, { image, layer, model: id }, context) => {
  const model = await context.models.model(id);
  const { tokens } = await readTokens(image, model, context);
  const [embedding] = await context.inference.embed(model, [tokens], layer, context.request.signal);
  if (!embedding) throw new Error("no embedding of one picture");
  return answer(model, embedding);
};

/** `Query.embedMany`: all or nothing; the error's message says which picture it is about. */
export const embedMany: NonNullable<QueryResolvers["embedMany"]> = async (_, { images, layer, model: id }, context) => {
  if (images.length < 1 || images.length > MAX_PICTURES) {
    throw new UserError(
      "BAD_OPTION",
      `embedMany takes 1 to ${MAX_PICTURES} pictures, not ${images.length}: split more over several requests.`,
    );
  }
  const model = await context.models.model(id);
  const pictures: Int32Array[] = [];
  for (const [i, image] of images.entries()) {
    try {
      pictures.push((await readTokens(image, model, context)).tokens);
    } catch (error) {
      if (error instanceof UserError)
        throw new UserError(error.code, `images[${i}]: ${error.message}`, { cause: error });
      throw error;
    }
  }
  const embeddings = await context.inference.embed(model, pictures, layer, context.request.signal);
  return embeddings.map((embedding) => answer(model, embedding));
};

function answer(model: Model, { layer, vector }: Embedding) {
  return { model, layer, dimensions: vector.length, vector: Array.from(vector) };
}
