/** Pictures in and out: this folder's whole surface to the resolvers and routes. */
import { decodePicture } from "./decode/index.ts";
import { readSource } from "./source/index.ts";
import { loadPicture } from "./store.ts";
import type { ImageContext, ImageInput, Picture } from "./types.ts";

export { flatPalette, fromTokens, toTokens } from "./palette.ts";
export { parsePrivateId, signUrl } from "./private.ts";
export { checkWidth, dataUri, progressDataUri, type Rendered, renderPicture } from "./render/index.ts";
export { thumbhash } from "./render/thumbhash.ts";
export { findPicture, findSignedPicture, isPictureId, loadPicture, pictureId, storePicture } from "./store.ts";
export {
  type Filter,
  type ImageContext,
  type ImageFormat,
  type ImageInput,
  type ImageLimits,
  type Palette,
  PIXELS,
  type Picture,
  type PictureOwner,
  SIDE,
  type StoreContext,
  WIDTHS,
  type Width,
} from "./types.ts";
export { imageUrl } from "./url.ts";

/**
 * Any source to the 32x32 picture that the model sees: upright, alpha on white, the centre square, resampled.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_IMAGE, URL_REFUSED, NOT_FOUND, BUSY
 */
export async function readPicture(input: ImageInput, context: ImageContext): Promise<Picture> {
  const source = await readSource(input, context);
  if ("id" in source) return loadPicture(source.id, context);
  return decodePicture(source.file, context);
}
