import { type Format, reducerOf } from "../format.ts";
import { decodeGif, gifBytes } from "./decode.ts";
import { isGif, readGifHeader } from "./header.ts";

export const GIF: Format = {
  name: "GIF",
  maxPixels: 25_000_000,
  matches: isGif,
  plan(file, check) {
    const header = readGifHeader(file, check);
    const { width, height } = header;
    return {
      ...{ width, height, orientation: 1, bytes: gifBytes(header) },
      async run(turns, signal) {
        const into = reducerOf({ width, height, orientation: 1 });
        await turns.take(() => decodeGif(header, into), signal);
        return into;
      },
    };
  },
};
