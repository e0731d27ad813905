import { damaged } from "../../problems.ts";

/** A scan's header (ITU T.81, section B.2.3). */
export interface ScanHeader {
  /** Which components, and the numbers of their Huffman tables. */
  parts: { id: number; dc: number; ac: number }[];
  /** Of the coefficients, in zigzag order: the first and the last. */
  first: number;
  last: number;
  /** Whether it gives one more bit to what earlier scans gave. */
  refines: boolean;
  /** Bits that are still to come. */
  shift: number;
}

/** @throws UserError BAD_IMAGE */
export function readScanHeader(content: Uint8Array): ScanHeader {
  const count = content[0] ?? 0;
  if (count < 1 || count > 4 || content.length < 4 + 2 * count) throw damaged("JPEG");
  const parts = Array.from({ length: count }, (_, i) => {
    const tables = content[2 + 2 * i] as number;
    return { id: content[1 + 2 * i] as number, dc: tables >> 4, ac: tables & 15 };
  });
  const approximation = content[3 + 2 * count] as number;
  return {
    parts,
    first: content[1 + 2 * count] as number,
    last: content[2 + 2 * count] as number,
    refines: approximation >> 4 !== 0,
    shift: approximation & 15,
  };
}
