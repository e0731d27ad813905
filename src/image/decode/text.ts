/** Bytes as text, a character each: how the names in files are compared. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
