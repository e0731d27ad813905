import { embedded, type Format } from "../format.ts";
import { avifBytes, decodeAvif } from "./decode.ts";
import { isAvif, readAvifHeader } from "./header.ts";

export const AVIF: Format = {
  name: "AVIF",
  maxPixels: 25_000_000,
  matches: isAvif,
  plan(file, check) {
    const header = readAvifHeader(file, check);
    const { width, height, orientation } = header;
    return {
      ...{ width, height, orientation, bytes: avifBytes(header, file.length) },
      colors: embedded(header.icc),
      run: (turns, signal) => decodeAvif(file, header, turns, signal),
    };
  },
};
