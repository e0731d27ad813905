import { DEFAULT_LIMITS } from "../limits.ts";
import { badImage } from "../problems.ts";
import type { ImageContext, ImageInput, ImageLimits } from "../types.ts";
import { bytesOfBase64 } from "./base64.ts";
import { bytesOfFile } from "./file.ts";
import { bytesOfUrl } from "./url.ts";

/** Where a picture comes from: an encoded file, or one that is stored already. */
export type Source = { file: Uint8Array } | { id: string };

const FORMS = ["base64", "file", "url", "id"] as const;

/**
 * Gets a picture's file.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE, URL_REFUSED
 */
export async function readSource(input: ImageInput, context: ImageContext): Promise<Source> {
  const limits: ImageLimits = { ...DEFAULT_LIMITS, ...context.limits };
  const given = FORMS.filter((form) => input[form] !== undefined && input[form] !== null);
  if (given.length !== 1) throw badImage(howMany(given));
  const { base64, file, url, id } = input;
  if (typeof base64 === "string") return { file: bytesOfBase64(base64, limits.maxBytes) };
  if (file) return { file: await bytesOfFile(file, limits.maxBytes) };
  if (url) return { file: await bytesOfUrl(String(url), context, limits) };
  if (typeof id === "string") return { id };
  throw badImage(howMany([]));
}

function howMany(given: readonly string[]): string {
  const advice = "Give exactly one of base64, file, url and id.";
  return given.length === 0
    ? `No picture is given. ${advice}`
    : `The picture is given ${given.length} times (${given.join(", ")}). ${advice}`;
}
