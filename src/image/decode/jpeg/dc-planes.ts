import { damaged } from "../../problems.ts";
import { BitReader } from "./bits.ts";
import { type Blocks, blocksOf, mcus, walk } from "./blocks.ts";
import { DHT, DRI, type JpegHeader, jpegSegments, type Segment, SOS } from "./header.ts";
import { type HuffmanTable, readHuffman } from "./huffman.ts";
import { readScanHeader } from "./scan.ts";

/** One component at an eighth of its size: a value a block of 8x8. */
export interface Plane {
  /** Values a row, and rows, padded to whole MCUs. */
  width: number;
  height: number;
  /** Sampling factors. */
  h: number;
  v: number;
  /** [height, width], 0..255. */
  values: Uint8Array;
}

interface Component extends Blocks {
  quantisation: number;
  /** DC coefficients as far as they are known. */
  dc: Int16Array;
  /** The table's entry for DC; 0: no scan has come yet. */
  step: number;
}

interface ScanPart {
  component: Component;
  table: HuffmanTable | undefined;
}

const DQT = 0xdb;

/**
 * Reads the DC coefficients alone of a progressive JPEG (ITU T.81, annex G): they come in scans of their own, are the
 * blocks' averages, and so the picture at 1/8. A whole decoder must keep all 64 coefficients of every block until the
 * last scan, 37-73 MiB for 12 megapixels; this keeps one.
 * @throws UserError BAD_IMAGE
 */
export function readDcPlanes(file: Uint8Array, header: JpegHeader): Plane[] {
  const components = layOut(header);
  const steps = new Map<number, number>();
  const tables = new Map<number, HuffmanTable>();
  let restartInterval = 0;
  for (const segment of jpegSegments(file)) {
    const content = file.subarray(segment.start, segment.end);
    if (segment.marker === DQT) readQuantisation(content, steps);
    if (segment.marker === DHT) readHuffman(content, tables);
    if (segment.marker === DRI && content.length >= 2) restartInterval = uint16(content, 0);
    if (segment.marker === SOS) readScan(file, segment, components, steps, tables, restartInterval);
  }
  return components.map(toPlane);
}

/** Bytes of readDcPlanes: 3 a block, its input left out. */
export function dcPlaneBytes(header: JpegHeader): number {
  const { across, down } = mcus(header);
  return header.components.reduce((sum, { h, v }) => sum + across * h * down * v * 3, 0);
}

function layOut(header: JpegHeader): Component[] {
  return blocksOf(header).map((blocks, i) => ({
    ...blocks,
    quantisation: header.components[i]?.quantisation ?? 0,
    dc: new Int16Array(blocks.width * blocks.height),
    step: 0,
  }));
}

function readQuantisation(content: Uint8Array, steps: Map<number, number>): void {
  for (let at = 0; at < content.length; ) {
    const info = content[at++] as number;
    const wide = info >> 4 !== 0;
    // In zigzag order the DC coefficient's step is the first.
    if (at + (wide ? 128 : 64) > content.length) throw damaged("JPEG");
    steps.set(info & 15, wide ? uint16(content, at) : (content[at] as number));
    at += wide ? 128 : 64;
  }
}

function readScan(
  file: Uint8Array,
  segment: Segment,
  components: Component[],
  steps: Map<number, number>,
  tables: Map<number, HuffmanTable>,
  restartInterval: number,
): void {
  const scan = readScanHeader(file.subarray(segment.start, segment.end));
  if (scan.first !== 0) return;
  const { refines, shift } = scan;
  const parts = scan.parts.map(({ id, dc }): ScanPart => {
    const component = components.find((c) => c.id === id);
    if (!component) throw damaged("JPEG");
    const step = steps.get(component.quantisation);
    const table = tables.get(dc);
    if (!step || (!refines && !table)) throw damaged("JPEG");
    component.step = step;
    return { component, table };
  });
  const bits = new BitReader(file, segment.end);
  if (refines) walk(parts, restartInterval, bits, (part, at) => refine(part, at, bits, shift));
  else readFirst(parts, restartInterval, bits, shift);
}

function readFirst(parts: ScanPart[], restartInterval: number, bits: BitReader, shift: number): void {
  const predictions = new Map<ScanPart, number>();
  const read = (part: ScanPart, at: number) => {
    const value = (predictions.get(part) ?? 0) + difference(part, bits);
    predictions.set(part, value);
    part.component.dc[at] = value << shift;
  };
  walk(parts, restartInterval, bits, read, () => predictions.clear());
}

/** Section F.2.2.1: a length, then that many bits, of which the first tells the sign. */
function difference({ table }: ScanPart, bits: BitReader): number {
  const length = table?.read(bits) ?? 0;
  if (length === 0) return 0;
  if (length > 15) throw damaged("JPEG");
  const value = bits.bits(length);
  return value < 1 << (length - 1) ? value - (1 << length) + 1 : value;
}

/** Section G.1.2.1: one more bit of precision. */
function refine({ component }: ScanPart, at: number, bits: BitReader, shift: number): void {
  if (bits.bit()) component.dc[at] = (component.dc[at] as number) | (1 << shift);
}

/** Dequantised; a block's average is an eighth of its DC coefficient, around 128 (section A.3.3). */
function toPlane({ dc, step, width, height, h, v }: Component): Plane {
  if (step === 0) throw damaged("JPEG");
  const values = new Uint8ClampedArray(dc.length);
  for (let i = 0; i < dc.length; i++) values[i] = ((dc[i] as number) * step) / 8 + 128;
  return { width, height, h, v, values: new Uint8Array(values.buffer) };
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
