/**
 * API keys in GitHub's form: `igpt_sk_` (secret) or `igpt_pk_` (publishable), 40 random base62 characters, and the CRC32 of
 * all before it in 6 more. A mistyped key is refused by its checksum alone, and secret scanners can tell keys by it.
 */
import type { KeyKind } from "../../build/graphql-types.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MARKS: Record<KeyKind, string> = { SECRET: "igpt_sk_", PUBLISHABLE: "igpt_pk_" };
const FORM = /^igpt_[sp]k_[0-9A-Za-z]{46}$/;
const MARK_LENGTH = MARKS.SECRET.length;
const RANDOM_LENGTH = 40;
const CHECKSUM_LENGTH = 6;
/** The mark and 8 random characters: shown in lists and looked up by. The other 32 are 190 bits. */
const PREFIX_LENGTH = MARK_LENGTH + 8;

/** A new key. */
export function generateKey(kind: KeyKind): string {
  const body = MARKS[kind] + randomText(RANDOM_LENGTH);
  return body + checksum(body);
}

/** Whether it can be a key at all: decided without any look-up. */
export function isWellFormed(key: string): boolean {
  return FORM.test(key) && checksum(key.slice(0, -CHECKSUM_LENGTH)) === key.slice(-CHECKSUM_LENGTH);
}

/** The public part of a key. */
export function prefixOf(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}

/** `length` base62 characters from the system's generator, each with the same chance. */
export function randomText(length: number): string {
  // 248 = 4 * 62: bytes from there on would favour the alphabet's beginning.
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = ALPHABET[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** CRC-32 (ISO 3309, as in zlib) of ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
