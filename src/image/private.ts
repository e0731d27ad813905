import { equalInConstantTime, hmac } from "../access/digest.ts";
import type { PictureOwner } from "./types.ts";

/**
 * Pictures that one key alone may use. Their ids name the key and cannot be computed from the picture without its secret;
 * their URLs are signed and expire. What checks a signature lies beside the picture, so that serving needs no database.
 */

const PRIVATE_ID = /^p_(key_[0-9A-Za-z]+)_([0-9a-f]{64})$/;
/** How long a URL works at least. */
const TTL_SECONDS = 3600;
/** URLs of the same ten minutes are the same, so that browsers can keep what they fetched. */
const STEP_SECONDS = 600;

/** The id of a picture under a key. @param content what the picture is, see `pictureContent` */
export async function privateId({ id, secret }: PictureOwner, content: Uint8Array<ArrayBuffer>): Promise<string> {
  return `p_${id}_${await hmac(secret, content)}`;
}

/** Whose it is and where it lies in the bucket; undefined for an id of another form. */
export function parsePrivateId(id: string): { owner: string; key: string } | undefined {
  const [, owner, hash] = PRIVATE_ID.exec(id) ?? [];
  return owner && hash ? { owner, key: `images/private/${owner}/${hash}` } : undefined;
}

/** The secret that URLs of a key's pictures are signed with; knowing it gives no ids away. */
export function signingSecret({ secret }: PictureOwner): Promise<string> {
  return hmac(secret, "thumbnail URLs");
}

/** Adds `expires` and `signature` to a thumbnail's URL. */
export async function signUrl(url: string, id: string, owner: PictureOwner, now = Date.now()): Promise<string> {
  const expires = String(Math.ceil((now / 1000 + TTL_SECONDS) / STEP_SECONDS) * STEP_SECONDS);
  const signed = new URL(url);
  signed.searchParams.set("expires", expires);
  signed.searchParams.set("signature", await hmac(await signingSecret(owner), `${id} ${expires}`));
  return signed.href;
}

/** Seconds for which a URL still works; 0 = it does not. */
export async function secondsLeft(
  id: string,
  query: URLSearchParams,
  secret: string,
  now = Date.now(),
): Promise<number> {
  const expires = query.get("expires") ?? "";
  const expected = await hmac(secret, `${id} ${expires}`);
  if (!equalInConstantTime(expected, query.get("signature") ?? "")) return 0;
  return Math.max(0, Math.floor(Number(expires) - now / 1000));
}
