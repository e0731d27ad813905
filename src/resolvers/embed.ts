import type { QueryResolvers } from "../../build/graphql-types.ts";
import { UserError } from "../errors.ts";
import { featureLayer, MAX_PICTURES } from "../model/options.ts";
import type { Embedding, Model } from "../model/types.ts";
import { readTokens } from "./read-tokens.ts";

/** `Query.embed` */
export const embed: NonNullable<QueryResolvers["embed"]> = async (_, { image, layer, model: id }, context) => {
  const model = await context.models.model(id);
  const { tokens } = await readTokens(image, model, context);
  const [embedding] = await context.inference.embed(model, [tokens], layer, context.request.signal);
  if (!embedding) throw new Error("no embedding of one picture");
  if (embedding instanceof UserError) throw embedding;
  return answer(model, embedding);
};

/** `Query.embedMany`: a picture that cannot be read, by us or an origin, is an error at its place, and takes nothing from the others. */
export const embedMany: NonNullable<QueryResolvers["embedMany"]> = async (_, { images, layer, model: id }, context) => {
  if (images.length < 1 || images.length > MAX_PICTURES) {
    throw new UserError(
      "BAD_OPTION",
      `embedMany takes 1 to ${MAX_PICTURES} pictures, not ${images.length}: split more over several requests.`,
    );
  }
  const model = await context.models.model(id);
  // Before the pictures are read: it would be wrong for all of them.
  featureLayer(model, layer);
  const { signal } = context.request;
  const pictures: Int32Array[] = [];
  const problems = new Map<number, unknown>();
  for (const [i, image] of images.entries()) {
    try {
      pictures.push((await readTokens(image, model, context)).tokens);
    } catch (error) {
      signal.throwIfAborted();
      if (!isOfPicture(error)) throw error;
      problems.set(i, error);
    }
  }
  const embeddings = pictures.length > 0 ? await context.inference.embed(model, pictures, layer, signal) : [];
  const found = embeddings.values();
  return images.map((_, i) => {
    // GraphQL makes a rejected item an error of its own, with its path.
    if (problems.has(i)) return Promise.reject(problems.get(i));
    const { value } = found.next();
    if (!value) throw new Error(`no embedding of picture ${i}`);
    return value instanceof UserError ? Promise.reject(value) : answer(model, value);
  });
};

/** What is wrong with one picture alone: no memory now, or an outage of ours, is so for those after it too. */
function isOfPicture(error: unknown): boolean {
  return error instanceof UserError && error.code !== "BUSY";
}

function answer(model: Model, { layer, vector }: Embedding) {
  return { model, layer, dimensions: vector.length, vector: Array.from(vector) };
}
