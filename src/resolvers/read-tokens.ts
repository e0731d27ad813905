import type { ImageInput } from "../../build/graphql-types.ts";
import type { RequestContext } from "../graphql/context.ts";
import { flatPalette, type Palette, readPicture, toTokens } from "../image/index.ts";
import type { Model } from "../model/types.ts";

/** A picture as a model reads it. */
export interface ModelInput {
  palette: Palette;
  /** [side * side] palette indices in raster order. */
  tokens: Int32Array;
}

/** Reads an `ImageInput` in a model's palette. @throws UserError for all that is wrong with the picture. */
export async function readTokens(image: ImageInput, model: Model, context: RequestContext): Promise<ModelInput> {
  const palette = flatPalette(model.manifest.palette);
  const picture = await readPicture(image, model.resolution, { ...context.images, signal: context.request.signal });
  const tokens = toTokens(picture, palette);
  context.trace.mark("picture");
  return { palette, tokens };
}
