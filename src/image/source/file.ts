import { badImage } from "../problems.ts";
import { tooManyBytes } from "./base64.ts";

/**
 * The bytes of a multipart request's file.
 * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE
 */
export async function bytesOfFile(file: Blob | Promise<Blob>, maxBytes: number): Promise<Uint8Array> {
  const blob: unknown = await file;
  if (!isBlob(blob)) {
    throw badImage("file is not an uploaded file. Send the request as multipart/form-data, or use base64 or url.");
  }
  if (blob.size > maxBytes) throw tooManyBytes(maxBytes);
  return new Uint8Array(await blob.arrayBuffer());
}

/** By what it can do: servers bring File classes of their own. */
function isBlob(value: unknown): value is Blob {
  return typeof value === "object" && value !== null && "arrayBuffer" in value && "size" in value;
}
