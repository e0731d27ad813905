import { type Format, reducerOf } from "../format.ts";
import { bmpBytes, decodeBmp } from "./decode.ts";
import { readBmpHeader } from "./header.ts";

export const BMP: Format = {
  name: "BMP",
  maxPixels: 50_000_000,
  matches: (start, file) => start.startsWith("BM") && file.length >= 26,
  plan(file, check) {
    const header = readBmpHeader(file, check);
    const { width, height } = header;
    return {
      ...{ width, height, orientation: 1, bytes: bmpBytes(header) },
      async run(turns, signal) {
        const into = reducerOf({ width, height, orientation: 1 });
        await turns.take(() => decodeBmp(header, into), signal);
        return into;
      },
    };
  },
};
