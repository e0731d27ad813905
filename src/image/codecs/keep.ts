interface Codec {
  readonly memoryBytes: number;
}

/** A kept instance holds at most this much of the isolate's 128 MB: one that grew further is dropped. */
export const KEEP_BYTES = 4 * 2 ** 20;

/**
 * Lends an instance of a codec, a kept one where there is one, so that small pictures leave no garbage of megabytes. It is
 * kept again only after success: a trap may have left it in pieces.
 */
export function keeping<C extends Codec>(create: () => C): <T>(work: (codec: C) => T) => T {
  let kept: C | undefined;
  return (work) => {
    const codec = kept ?? create();
    kept = undefined;
    const result = work(codec);
    if (codec.memoryBytes <= KEEP_BYTES) kept = codec;
    return result;
  };
}
