import type { ImageFormat } from "./types.ts";

/**
 * The absolute URL of a thumbnail, of the picture's own width unless another one is given (`checkWidth`).
 * @param base The request's URL or origin; only its origin is used.
 */
export function imageUrl(base: string | URL, id: string, width?: number | null, format?: ImageFormat | null): string {
  const url = new URL(`/thumbnails/${id}.${format ?? "png"}`, base);
  if (width != null) url.searchParams.set("width", String(width));
  return url.href;
}
