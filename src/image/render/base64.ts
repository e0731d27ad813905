/** A multiple of 3, so that pieces can be put end to end. */
const STEP = 3 * 2 ** 12;

export function base64OfBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += STEP) text += btoa(String.fromCharCode(...bytes.subarray(at, at + STEP)));
  return text;
}
