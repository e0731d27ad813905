import { type Format, reducerOf } from "../format.ts";
import { pngColors } from "./colors.ts";
import { decodePng, pngBytes } from "./decode.ts";
import { readPngHeader } from "./header.ts";

export const PNG: Format = {
  name: "PNG",
  maxPixels: 50_000_000,
  matches: (start) => start.startsWith("\x89PNG\r\n\x1a\n"),
  plan(file, check) {
    const header = readPngHeader(file, check);
    const { width, height, orientation } = header;
    return {
      ...{ width, height, orientation, bytes: pngBytes(header) },
      colors: pngColors(header),
      async run(turns, signal) {
        const into = reducerOf(header);
        await decodePng(header, into, turns, signal);
        return into;
      },
    };
  },
};
