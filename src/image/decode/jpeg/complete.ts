import { UserError } from "../../../errors.ts";
import { damaged, truncated } from "../../problems.ts";
import { BitReader } from "./bits.ts";
import { type Blocks, blocksOf, walk } from "./blocks.ts";
import { DHT, DRI, type JpegHeader, jpegSegments, type Segment, SOS } from "./header.ts";
import { AC, type HuffmanTable, readHuffman } from "./huffman.ts";
import { readScanHeader, type ScanHeader } from "./scan.ts";

interface Part {
  component: Blocks;
  dc: HuffmanTable | undefined;
  ac: HuffmanTable | undefined;
}

interface Scan extends ScanHeader {
  segment: Segment;
  restartInterval: number;
  /** The tables as they were when it came. */
  tables: Map<number, HuffmanTable>;
}

/** Coefficients of a block that are not zero: 64 bits in two words. */
type NotZero = Uint32Array;

/** Bytes of `checkComplete`. */
export function completeBytes(header: JpegHeader): number {
  return header.progressive ? Math.max(...blocksOf(header).map(({ width, height }) => width * height * 8)) : 0;
}

/**
 * Reads the last scan of a file that has no end marker from its first block to its last, without its values: cameras and
 * streams leave that marker out, and so do files that are cut off, whose missing pixels a decoder would make up.
 * @throws UserError BAD_IMAGE when it is cut off.
 */
export function checkComplete(file: Uint8Array, header: JpegHeader): void {
  const scans = readScans(file);
  const last = scans.at(-1);
  if (!last || !allThere(scans, header)) throw truncated("JPEG");
  const components = blocksOf(header);
  const known = new Map<Blocks, NotZero>();
  try {
    // Which bits a refining scan has depends on what the scans before it found.
    if (last.first > 0 && last.refines) {
      for (const scan of scans.slice(0, -1)) {
        if (scan.first > 0 && scan.parts[0]?.id === last.parts[0]?.id) readScan(file, scan, header, components, known);
      }
    }
    readScan(file, last, header, components, known);
  } catch (error) {
    throw error instanceof UserError ? truncated("JPEG") : error;
  }
}

function readScans(file: Uint8Array): Scan[] {
  const scans: Scan[] = [];
  let tables = new Map<number, HuffmanTable>();
  let restartInterval = 0;
  for (const segment of jpegSegments(file)) {
    const content = file.subarray(segment.start, segment.end);
    if (segment.marker === DHT) {
      tables = new Map(tables);
      readHuffman(content, tables);
    }
    if (segment.marker === DRI && content.length >= 2) {
      restartInterval = ((content[0] as number) << 8) | (content[1] as number);
    }
    if (segment.marker === SOS) scans.push({ ...readScanHeader(content), segment, restartInterval, tables });
  }
  return scans;
}

/** Whether each component has its scans, down to the last bit of each coefficient. */
function allThere(scans: Scan[], { components, progressive }: JpegHeader): boolean {
  return components.every(({ id }) => {
    const own = scans.filter((scan) => scan.parts.some((part) => part.id === id));
    if (!progressive) return own.length > 0;
    return Array.from({ length: 64 }, (_, k) => k).every((k) =>
      own.some(({ first, last, shift }) => first <= k && k <= last && shift === 0),
    );
  });
}

function readScan(
  file: Uint8Array,
  scan: Scan,
  header: JpegHeader,
  components: Blocks[],
  known: Map<Blocks, NotZero>,
): void {
  const bits = new BitReader(file, scan.segment.end);
  const parts = scan.parts.map(({ id, dc, ac }): Part => {
    const component = components.find((c) => c.id === id);
    if (!component) throw damaged("JPEG");
    return { component, dc: scan.tables.get(dc), ac: scan.tables.get(AC | ac) };
  });
  const reader = new BlockReader(scan, bits, known);
  const visit = header.progressive ? reader.progressive : reader.sequential;
  walk(parts, scan.restartInterval, bits, visit, reader.restart);
}

/** Goes past one block after the other (sections F.2.2 and G.1.2). */
class BlockReader {
  readonly #scan: ScanHeader;
  readonly #bits: BitReader;
  readonly #known: Map<Blocks, NotZero>;
  /** Blocks that have nothing more in this band. */
  #endOfBand = 0;

  constructor(scan: ScanHeader, bits: BitReader, known: Map<Blocks, NotZero>) {
    this.#scan = scan;
    this.#bits = bits;
    this.#known = known;
  }

  readonly restart = (): void => {
    this.#endOfBand = 0;
  };

  readonly sequential = (part: Part): void => {
    this.#dc(part);
    for (let k = 1; k < 64; k++) {
      const { run, size } = this.#symbol(part);
      if (size === 0 && run < 15) return;
      k += run;
      this.#bits.bits(size);
    }
  };

  readonly progressive = (part: Part, at: number): void => {
    const { first, refines } = this.#scan;
    if (first === 0) {
      if (refines) this.#bits.bit();
      else this.#dc(part);
    } else if (refines) this.#refine(part, this.#flags(part), at * 2);
    else this.#acFirst(part, this.#flags(part), at * 2);
  };

  #dc({ dc }: Part): void {
    if (!dc) throw damaged("JPEG");
    this.#bits.bits(Math.min(16, dc.read(this.#bits)));
  }

  #symbol({ ac }: Part): { run: number; size: number } {
    if (!ac) throw damaged("JPEG");
    const symbol = ac.read(this.#bits);
    return { run: symbol >> 4, size: symbol & 15 };
  }

  #flags({ component }: Part): NotZero {
    const flags = this.#known.get(component) ?? new Uint32Array(component.width * component.height * 2);
    this.#known.set(component, flags);
    return flags;
  }

  #acFirst(part: Part, flags: NotZero, at: number): void {
    if (this.#endOfBand > 0) {
      this.#endOfBand--;
      return;
    }
    for (let k = this.#scan.first; k <= this.#scan.last; k++) {
      const { run, size } = this.#symbol(part);
      if (size === 0 && run < 15) {
        this.#endOfBand = (1 << run) - 1 + this.#bits.bits(run);
        return;
      }
      k += run;
      if (size > 0) set(flags, at, k);
      this.#bits.bits(size);
    }
  }

  #refine(part: Part, flags: NotZero, at: number): void {
    let k = this.#scan.first;
    while (this.#endOfBand === 0 && k <= this.#scan.last) {
      const { run, size } = this.#symbol(part);
      if (size === 0 && run < 15) {
        this.#endOfBand = (1 << run) + this.#bits.bits(run);
        break;
      }
      if (size > 0) this.#bits.bit();
      k = this.#skipZeros(flags, at, k, run);
      if (size > 0) set(flags, at, k);
      k++;
    }
    if (this.#endOfBand === 0) return;
    this.#skipZeros(flags, at, k, 64);
    this.#endOfBand--;
  }

  /** Goes past `zeros` coefficients that are zero, to the next one that is; the others on the way have a bit each. */
  #skipZeros(flags: NotZero, at: number, from: number, zeros: number): number {
    let left = zeros;
    let k = from;
    for (; k <= this.#scan.last; k++) {
      if (isSet(flags, at, k)) this.#bits.bit();
      else if (left-- === 0) break;
    }
    return k;
  }
}

function set(flags: NotZero, at: number, k: number): void {
  if (k < 64) flags[at + (k >> 5)] = (flags[at + (k >> 5)] as number) | (1 << (k & 31));
}

function isSet(flags: NotZero, at: number, k: number): boolean {
  return (((flags[at + (k >> 5)] as number) >>> (k & 31)) & 1) === 1;
}
