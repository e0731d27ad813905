/** Masks and bytes as text that a link can carry. */
import { PIXELS } from "./picture.ts";

/** 1,024 flags as 128 bytes, the first flag the highest bit, in URL-safe base64. */
export function packMask(flags: readonly boolean[]): string {
  const bytes = new Uint8Array(PIXELS / 8);
  for (const [i, flag] of flags.entries()) if (flag) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (128 >> (i & 7));
  return toUrlSafe(btoa(String.fromCharCode(...bytes)));
}

/** What `packMask` packed; of a text that is none, no flag is set. */
export function unpackMask(packed: string): boolean[] {
  const bytes = decode(packed);
  return Array.from({ length: PIXELS }, (_, i) => ((bytes.charCodeAt(i >> 3) || 0) & (128 >> (i & 7))) !== 0);
}

function decode(text: string): string {
  try {
    return atob(fromUrlSafe(text));
  } catch {
    return "";
  }
}

export function toUrlSafe(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromUrlSafe(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}
