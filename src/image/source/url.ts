import { FetchFailed, fetchPublic } from "../../net/fetch-public.ts";
import { FORMATS } from "../decode/formats.ts";
import { badImage } from "../problems.ts";
import type { ImageContext, ImageLimits } from "../types.ts";
import { tooManyBytes } from "./base64.ts";

/** A server that can choose sends what is read here; whatever it sends, `sniff` looks at the bytes. */
const ACCEPT = [...FORMATS.map(({ name }) => `image/${name.toLowerCase()}`), "image/*;q=0.5"].join(", ");

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
      headers: { accept: ACCEPT },
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
