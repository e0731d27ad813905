/**
 * Pictures in and out: the whole surface of this folder to the resolvers.
 * (Signatures first; the bodies follow.)
 */
import type { Filter, ImageContext, ImageFormat, ImageInput, Palette, Picture, StoreContext, Width } from "./types.ts";

export type { Filter, ImageContext, ImageFormat, ImageInput, ImageLimits, Palette, Picture, StoreContext, Width } from "./types.ts";
export { PIXELS, SIDE, WIDTHS } from "./types.ts";

/** Any source to the 32x32 picture: alpha on white, upright, centre-cropped. Throws UserError for all that is wrong with it. */
export declare function readPicture(input: ImageInput, context: ImageContext): Promise<Picture>;
/** [1024] palette indices in raster order, each the nearest colour by squared distance, the lowest index on ties. */
export declare function toTokens(picture: Picture, palette: Palette): Int32Array;
/** The picture that tokens stand for. */
export declare function fromTokens(tokens: ArrayLike<number>, palette: Palette): Picture;
/** A manifest's palette as a flat one. */
export declare function flatPalette(colors: readonly (readonly number[])[]): Palette;
/** The content's hash, 64 hex digits: what `storePicture` stores under. */
export declare function pictureId(picture: Picture): Promise<string>;
/** Stores it (idempotent) and returns its id. */
export declare function storePicture(picture: Picture, context: StoreContext): Promise<string>;
/** A stored picture. Throws NOT_FOUND. */
export declare function loadPicture(id: string, context: StoreContext): Promise<Picture>;
/** Throws BAD_OPTION when the width is not one of WIDTHS. */
export declare function checkWidth(width: number | null | undefined): Width;
/** Absolute URL of a thumbnail. `base` is the request's own origin. */
export declare function imageUrl(base: string | URL, id: string, width?: number | null, format?: ImageFormat | null): string;
/** A PNG data: URI; width defaults to 32. Throws BAD_OPTION. */
export declare function dataUri(picture: Picture, width?: number | null): string;
/** The same of a picture in the making: tokens of -1 are transparent pixels. */
export declare function progressDataUri(tokens: ArrayLike<number>, palette: Palette, width?: number | null): string;
/** Base64 thumbhash, ~25 bytes decoded. */
export declare function thumbhash(picture: Picture): string;
export interface Rendered { bytes: Uint8Array; contentType: string }
/** A picture scaled and encoded. */
export declare function renderPicture(picture: Picture, format: ImageFormat, width: Width, filter: Filter): Promise<Rendered>;
