import { checkWidth } from "./render/index.ts";
import { type ImageFormat, SIDE } from "./types.ts";

/**
 * The absolute URL of a thumbnail.
 * @param base The request's URL or origin; only its origin is used.
 * @throws UserError BAD_OPTION
 */
export function imageUrl(base: string | URL, id: string, width?: number | null, format?: ImageFormat | null): string {
  const url = new URL(`/thumbnails/${id}.${format ?? "png"}`, base);
  const wanted = checkWidth(width);
  if (wanted !== SIDE) url.searchParams.set("width", String(wanted));
  return url.href;
}
