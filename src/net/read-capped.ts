/** A body as bytes, given up as soon as it is longer than the cap. */
export async function readCapped(response: Response, maxBytes: number): Promise<Uint8Array | "too large"> {
  const stated = Number(response.headers.get("content-length") ?? 0);
  if (stated > maxBytes) {
    await response.body?.cancel();
    return "too large";
  }
  if (!response.body) return new Uint8Array();
  const pieces: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the stream.
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    length += piece.length;
    if (length > maxBytes) return "too large";
    pieces.push(piece);
  }
  return concat(pieces, length);
}

/** @param length of all pieces together, in bytes */
export function concat(pieces: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
