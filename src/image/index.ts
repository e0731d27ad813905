/** Pictures in and out: this folder's whole surface to the resolvers and routes. */
import { decodePicture } from "./decode/index.ts";
import { resized } from "./resize/resized.ts";
import { readSource } from "./source/index.ts";
import { loadPicture } from "./store.ts";
import type { ImageContext, ImageInput, Picture } from "./types.ts";

export { flatPalette, fromTokens, toTokens } from "./palette.ts";
export { parsePrivateId, signUrl } from "./private.ts";
export { dataUri, progressDataUri, type Rendered, renderPicture } from "./render/index.ts";
export { thumbhash } from "./render/thumbhash.ts";
export { findPicture, findSignedPicture, isPictureId, loadPicture, pictureId, storePicture } from "./store.ts";
export type {
  Filter,
  ImageContext,
  ImageFormat,
  ImageInput,
  ImageLimits,
  Palette,
  Picture,
  PictureOwner,
  StoreContext,
} from "./types.ts";
export { imageUrl } from "./url.ts";
export { checkWidth, isWidth, widthsOf } from "./widths.ts";

/**
 * Any source to the picture that a model of side x side pixels sees: upright, alpha on white, the centre square, resampled.
 * A stored picture of another size is resampled too.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_IMAGE, URL_REFUSED, NOT_FOUND, BUSY
 */
export async function readPicture(input: ImageInput, side: number, context: ImageContext): Promise<Picture> {
  const source = await readSource(input, context);
  if ("id" in source) return resized(await loadPicture(source.id, context), side);
  return decodePicture(source.file, side, context);
}
