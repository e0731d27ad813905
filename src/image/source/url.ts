import { FetchFailed, fetchPublic } from "../../net/fetch-public.ts";
import { badImage } from "../problems.ts";
import type { ImageContext, ImageLimits } from "../types.ts";
import { tooManyBytes } from "./base64.ts";

/**
 * The bytes at a public https URL.
 * @throws UserError URL_REFUSED, BAD_IMAGE, IMAGE_TOO_LARGE; the signal's reason when aborted.
 */
export async function bytesOfUrl(url: string, context: ImageContext, limits: ImageLimits): Promise<Uint8Array> {
  try {
    const { response, body } = await fetchPublic(url, {
      ...context,
      timeoutMs: limits.fetchTimeoutMs,
      maxRedirects: limits.maxRedirects,
      maxBytes: limits.maxBytes,
      headers: { accept: "image/png, image/jpeg, image/webp, image/gif, image/avif, image/bmp, image/*;q=0.5" },
    });
    if (!response.ok)
      throw badImage(`The URL answered with HTTP status ${response.status}. Give one that answers with the picture.`);
    if (body === "too large") throw tooManyBytes(limits.maxBytes);
    return body;
  } catch (error) {
    if (error instanceof FetchFailed) throw badImage(error.message, error);
    throw error;
  }
}
