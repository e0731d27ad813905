import { embedded, type Format, squareOf } from "../format.ts";
import { decodeJpeg, jpegBytes } from "./decode.ts";
import { readJpegHeader } from "./header.ts";

export const JPEG: Format = {
  name: "JPEG",
  maxPixels: 100_000_000,
  matches: (start) => start.startsWith("\xff\xd8\xff"),
  plan(file, check) {
    const header = readJpegHeader(file, check);
    const { width, height, orientation } = header;
    return {
      ...{ width, height, orientation, bytes: jpegBytes(header, file.length) },
      // Inks are converted before they are averaged.
      colors: header.components.length < 4 ? embedded(header.icc, header.components.length === 1) : undefined,
      run: (turns, signal) => turns.take(() => decodeJpeg(file, header, squareOf(header)), signal),
    };
  },
};
