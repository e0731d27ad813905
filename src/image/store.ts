import { UserError } from "../errors.ts";
import { persistently } from "../net/persistently.ts";
import { parsePrivateId, privateId, secondsLeft, signingSecret } from "./private.ts";
import type { Picture, StoreContext } from "./types.ts";

/**
 * Pictures in the bucket, under the hash of what they show. Only its pixels are kept (`images/{id}`: RGB in raster order,
 * 3,072 bytes of a 32x32 one); every rendition is made from them when it is asked for. Private ones lie apart, see private.ts.
 */

/** Somebody waits for the answer: for so long only as a picture may take anyway. */
const STORING = { tries: 4, pauseMs: 100 };

/** SHA-256 in hex. */
const PUBLIC_ID = /^[0-9a-f]{64}$/;

function key(id: string): string {
  return `images/${id}`;
}

/** Whether it can be an id at all: nothing else ever becomes a key of the bucket. */
export function isPictureId(id: string): boolean {
  return PUBLIC_ID.test(id);
}

/** What the picture is: width and height (16 bits each, big-endian) and the RGB pixels. */
function pictureContent({ side, rgb }: Picture): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(4 + rgb.length);
  const view = new DataView(content.buffer);
  view.setUint16(0, side);
  view.setUint16(2, side);
  content.set(rgb, 4);
  return content;
}

/** SHA-256 over the picture's content, in hex. */
export async function pictureId(picture: Picture): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", pictureContent(picture)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Stores a picture unless it is there, and returns its id. */
export async function storePicture(picture: Picture, { bucket, owner }: StoreContext): Promise<string> {
  const id = owner ? await privateId(owner, pictureContent(picture)) : await pictureId(picture);
  const path = parsePrivateId(id)?.key ?? key(id);
  // Reading is cheaper than writing, in money and in the bucket's write limit for one key.
  await persistently(STORING, async () => {
    if (await bucket.head(path)) return;
    await bucket.put(path, picture.rgb, {
      httpMetadata: { contentType: "application/octet-stream" },
      ...(owner ? { customMetadata: { signingSecret: await signingSecret(owner) } } : {}),
    });
  });
  return id;
}

/** @throws UserError NOT_FOUND, also for what is no id. */
export async function loadPicture(id: string, { bucket, owner }: StoreContext): Promise<Picture> {
  const picture = await findPicture(id, { bucket, owner });
  if (!picture) throw new UserError("NOT_FOUND", "There is no picture with this id. Use an id that this API returned.");
  return picture;
}

/** Undefined if there is none, or it is another key's own. */
export async function findPicture(id: string, { bucket, owner }: StoreContext): Promise<Picture | undefined> {
  const own = parsePrivateId(id);
  if (own ? own.owner !== owner?.id : !isPictureId(id)) return undefined;
  const object = await bucket.get(own?.key ?? key(id));
  return object ? readPixels(id, object) : undefined;
}

/**
 * A private picture, for whoever has a signed URL of it.
 * @returns with the seconds for which the URL still works; undefined if there is none or the signature is not right.
 */
export async function findSignedPicture(
  id: string,
  query: URLSearchParams,
  { bucket }: StoreContext,
): Promise<{ picture: Picture; seconds: number } | undefined> {
  const own = parsePrivateId(id);
  // What cannot be right costs no read.
  if (!own || !query.get("signature") || Number(query.get("expires")) * 1000 < Date.now()) return undefined;
  const object = await bucket.get(own.key);
  const secret = object?.customMetadata?.signingSecret;
  if (!object || !secret) return undefined;
  const seconds = await secondsLeft(id, query, secret);
  return seconds > 0 ? { picture: await readPixels(id, object), seconds } : undefined;
}

async function readPixels(id: string, object: R2ObjectBody): Promise<Picture> {
  const rgb = new Uint8Array(await object.arrayBuffer());
  const side = Math.sqrt(rgb.length / 3);
  if (!Number.isInteger(side) || side === 0) throw new Error(`images/${id} has ${rgb.length} bytes: no square of RGB`);
  return { side, rgb };
}
