import { createLRUCache } from "graphql-yoga";

/** Characters; a longer document has a picture in it, and is as good as never sent twice. */
const MAX_LENGTH = 16 * 1024;
const MAX_KEPT = 200;

/** A cache of parsed documents that keeps the short ones only: an isolate has 128 MB. */
export function shortDocumentCache<T extends object>() {
  const cache = createLRUCache<T>({ max: MAX_KEPT });
  return {
    get: (text: string) => cache.get(text),
    set: (text: string, value: T) => {
      if (text.length <= MAX_LENGTH) cache.set(text, value);
    },
  };
}
