import { embedded, type Format, reducerOf } from "../format.ts";
import { decodeWebp, webpBytes } from "./decode.ts";
import { readWebpHeader } from "./header.ts";

export const WEBP: Format = {
  name: "WebP",
  maxPixels: 50_000_000,
  matches: (start) => start.startsWith("RIFF") && start.slice(8, 12) === "WEBP",
  plan(file, check) {
    const header = readWebpHeader(file, check);
    const { width, height, orientation } = header;
    return {
      ...{ width, height, orientation, bytes: webpBytes(header) },
      colors: embedded(header.icc),
      async run(turns, signal) {
        const into = reducerOf(header);
        await turns.take(() => decodeWebp(header, into), signal);
        return into;
      },
    };
  },
};
