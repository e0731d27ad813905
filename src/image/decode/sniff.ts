import { badImage, unsupported } from "../problems.ts";
import type { Format } from "./format.ts";
import { FORMAT_NAMES, FORMATS } from "./formats.ts";
import { latin1 } from "./text.ts";

/**
 * What a file is by its first bytes; names and MIME types are not believed.
 * @throws UserError UNSUPPORTED_IMAGE for other picture formats, BAD_IMAGE for all else.
 */
export function sniff(bytes: Uint8Array): Format {
  if (bytes.length === 0) throw badImage(`The picture is empty (0 bytes). Send a ${FORMAT_NAMES} file.`);
  const start = latin1(bytes.subarray(0, 16));
  const format = FORMATS.find((known) => known.matches(start, bytes));
  if (format) return format;
  const other = otherFormat(start, bytes);
  if (other) throw unsupported(`${other} is not supported. Convert the picture to PNG, JPEG or WebP and send that.`);
  throw badImage(`The Worker cannot read this as a picture. Send a ${FORMAT_NAMES} file.`);
}

function otherFormat(text: string, bytes: Uint8Array): string | undefined {
  if (text.slice(4, 8) === "ftyp") return isoBrand(text.slice(8, 12));
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "TIFF";
  if (text.startsWith("\xff\x0a") || text.startsWith("\0\0\0\x0cJXL ")) return "JPEG XL";
  if (text.startsWith("\0\0\0\x0cjP  ") || text.startsWith("\xff\x4f\xff\x51")) return "JPEG 2000";
  if (text.startsWith("\0\0\x01\0")) return "ICO";
  if (text.startsWith("8BPS")) return "PSD";
  if (text.startsWith("%PDF-")) return "PDF";
  if (/<svg[\s>]/i.test(latin1(bytes.subarray(0, 1024)))) return "SVG";
  return undefined;
}

/** HEIC is an ISO media file; so are films. */
function isoBrand(brand: string): string {
  if (/^(hei|hev|mif|msf)/.test(brand)) return "HEIC";
  return "Video";
}
