import { UserError } from "../errors.ts";
import { PIXELS, type Picture, SIDE, type StoreContext } from "./types.ts";

/**
 * Pictures in the bucket, under the hash of what they show. Only the 32x32 pixels are kept (`images/{id}`: 3,072 bytes of
 * RGB in raster order); every rendition is made from them when it is asked for.
 */

/** SHA-256 in hex. */
const PUBLIC_ID = /^[0-9a-f]{64}$/;

function key(id: string): string {
  return `images/${id}`;
}

/** Whether it can be an id at all: nothing else ever becomes a key of the bucket. */
export function isPictureId(id: string): boolean {
  return PUBLIC_ID.test(id);
}

/** SHA-256 over width and height (16 bits each, big-endian) and the RGB pixels, in hex. */
export async function pictureId(picture: Picture): Promise<string> {
  const content = new Uint8Array(4 + picture.rgb.length);
  const view = new DataView(content.buffer);
  view.setUint16(0, SIDE);
  view.setUint16(2, SIDE);
  content.set(picture.rgb, 4);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Stores a picture unless it is there, and returns its id. */
export async function storePicture(picture: Picture, { bucket }: StoreContext): Promise<string> {
  const id = await pictureId(picture);
  // Reading is cheaper than writing, in money and in the bucket's write limit for one key.
  if (!(await bucket.head(key(id)))) {
    await bucket.put(key(id), picture.rgb, { httpMetadata: { contentType: "application/octet-stream" } });
  }
  return id;
}

/** @throws UserError NOT_FOUND, also for what is no id. */
export async function loadPicture(id: string, { bucket }: StoreContext): Promise<Picture> {
  const picture = await findPicture(id, { bucket });
  if (!picture) throw new UserError("NOT_FOUND", "There is no picture with this id. Use an id that this API returned.");
  return picture;
}

export async function findPicture(id: string, { bucket }: StoreContext): Promise<Picture | undefined> {
  if (!isPictureId(id)) return undefined;
  const object = await bucket.get(key(id));
  if (!object) return undefined;
  const rgb = new Uint8Array(await object.arrayBuffer());
  if (rgb.length !== PIXELS * 3) throw new Error(`images/${id} has ${rgb.length} bytes, not ${PIXELS * 3}`);
  return { rgb };
}
