import { UserError } from "../errors.ts";

/** The file is not a picture, or a damaged one. */
export function badImage(message: string, cause?: unknown): UserError {
  return new UserError("BAD_IMAGE", message, cause === undefined ? undefined : { cause });
}

export function truncated(kind: string): UserError {
  return badImage(`The ${kind} file ends too early: it is truncated. Send the whole file.`);
}

export function damaged(kind: string, cause?: unknown): UserError {
  return badImage(`The ${kind} file is damaged. Open it in a picture editor, save it again and send that.`, cause);
}

export function noPixels(kind: string): UserError {
  return badImage(`The ${kind} file says that it has 0 pixels. Send a picture of at least 1x1.`);
}

export function tooLarge(message: string): UserError {
  return new UserError("IMAGE_TOO_LARGE", message);
}

export function unsupported(message: string): UserError {
  return new UserError("UNSUPPORTED_IMAGE", message);
}
