/** Masks and bytes as text that a link can carry. */
/** Flags as bits, 1,024 in 128 bytes, the first flag the highest bit, in URL-safe base64. */
export function packMask(flags: readonly boolean[]): string {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8));
  for (const [i, flag] of flags.entries()) if (flag) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (128 >> (i & 7));
  return toUrlSafe(btoa(String.fromCharCode(...bytes)));
}

/** The `count` flags that `packMask` packed; of a text that is none, no flag is set. */
export function unpackMask(packed: string, count: number): boolean[] {
  const bytes = decode(packed);
  return Array.from({ length: count }, (_, i) => ((bytes.charCodeAt(i >> 3) || 0) & (128 >> (i & 7))) !== 0);
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
