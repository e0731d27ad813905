import { badImage, tooLarge } from "../problems.ts";

/** A multiple of 4, so that every piece but the last decodes by itself. */
const STEP = 2 ** 18;

/**
 * The bytes of raw base64 (also its URL-safe form, with or without padding, broken into lines or not) or of a base64
 * data: URI.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE
 */
export function bytesOfBase64(text: string, maxBytes: number): Uint8Array {
  // Line breaks and padding add little: what is twice the limit cannot be within it.
  if (text.length > maxBytes * 2 + 1024) throw tooManyBytes(maxBytes);
  const digits = normalise(text.slice(0, 5).toLowerCase() === "data:" ? ofDataUri(text) : text);
  const bytes = Math.floor((digits.length * 3) / 4);
  if (bytes > maxBytes) throw tooManyBytes(maxBytes);
  const whole = new Uint8Array(bytes);
  for (let at = 0, to = 0; at < digits.length; at += STEP) {
    const piece = decode(digits.slice(at, at + STEP));
    for (let i = 0; i < piece.length; i++) whole[to++] = piece.charCodeAt(i);
  }
  return whole;
}

export function tooManyBytes(maxBytes: number) {
  return tooLarge(
    `The picture's file has more than ${maxBytes / 1e6} MB. Make it smaller: a model sees a few thousand pixels of it.`,
  );
}

function ofDataUri(text: string): string {
  const comma = text.indexOf(",");
  if (comma < 0) throw badImage('The data: URI has no comma. It begins like "data:image/png;base64,".');
  if (!/;base64$/i.test(text.slice(0, comma).trimEnd())) {
    throw badImage('A data: URI must be in base64. It begins like "data:image/png;base64,".');
  }
  return text.slice(comma + 1);
}

function normalise(text: string): string {
  const plain = /[\s\-_%=]/.test(text)
    ? unescapePercent(text)
        .replace(/\s+/g, "")
        .replaceAll("-", "+")
        .replaceAll("_", "/")
        .replace(/={1,2}$/, "")
    : text;
  if (plain.length % 4 === 1) throw notBase64();
  return plain;
}

/** data: URIs may be percent-encoded: %2B, %2F and %3D are seen in the wild. */
function unescapePercent(text: string): string {
  return text.replace(/%(2b|2f|3d)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function decode(digits: string): string {
  try {
    return atob(digits);
  } catch (error) {
    throw notBase64(error);
  }
}

function notBase64(cause?: unknown) {
  return badImage("base64 is not valid base64. Send the file's bytes in base64, or a data: URI of them.", cause);
}
