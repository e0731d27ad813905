import { damaged } from "../../problems.ts";
import { BitReader } from "./bits.ts";
import { type JpegHeader, jpegSegments, type Segment, SOS } from "./header.ts";
import { HuffmanTable } from "./huffman.ts";

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

interface Component {
  id: number;
  h: number;
  v: number;
  quantisation: number;
  /** Blocks, padded to whole MCUs, and those that hold pixels (all that a scan of this component alone has). */
  width: number;
  height: number;
  usedWidth: number;
  usedHeight: number;
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
const DHT = 0xc4;
const DRI = 0xdd;

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

function mcus({ width, height, components }: JpegHeader) {
  const maxH = Math.max(...components.map((c) => c.h));
  const maxV = Math.max(...components.map((c) => c.v));
  return { maxH, maxV, across: Math.ceil(width / (8 * maxH)), down: Math.ceil(height / (8 * maxV)) };
}

function layOut(header: JpegHeader): Component[] {
  const { maxH, maxV, across, down } = mcus(header);
  return header.components.map(({ id, h, v, quantisation }) => {
    const width = across * h;
    const height = down * v;
    const usedWidth = Math.ceil(Math.ceil((header.width * h) / maxH) / 8);
    const usedHeight = Math.ceil(Math.ceil((header.height * v) / maxV) / 8);
    return {
      id,
      h,
      v,
      quantisation,
      width,
      height,
      usedWidth,
      usedHeight,
      dc: new Int16Array(width * height),
      step: 0,
    };
  });
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

function readHuffman(content: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let at = 0; at + 17 <= content.length; ) {
    const info = content[at] as number;
    const counts = content.subarray(at + 1, at + 17);
    const symbols = counts.reduce((a, b) => a + b, 0);
    const isDc = info >> 4 === 0;
    if (isDc) tables.set(info & 15, new HuffmanTable(counts, content.subarray(at + 17, at + 17 + symbols)));
    at += 17 + symbols;
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
  const content = file.subarray(segment.start, segment.end);
  const count = content[0] ?? 0;
  if (count < 1 || count > 4 || content.length < 4 + 2 * count) throw damaged("JPEG");
  const spectralStart = content[1 + 2 * count] as number;
  if (spectralStart !== 0) return;
  const approximation = content[3 + 2 * count] as number;
  const refines = approximation >> 4 !== 0;
  const shift = approximation & 15;
  const parts: ScanPart[] = [];
  for (let i = 0; i < count; i++) {
    const component = components.find((c) => c.id === content[1 + 2 * i]);
    if (!component) throw damaged("JPEG");
    const step = steps.get(component.quantisation);
    const table = tables.get((content[2 + 2 * i] as number) >> 4);
    if (!step || (!refines && !table)) throw damaged("JPEG");
    component.step = step;
    parts.push({ component, table });
  }
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

/** Visits a scan's blocks in their order (section A.2), restarts included. */
function walk(
  parts: ScanPart[],
  restartInterval: number,
  bits: BitReader,
  visit: (part: ScanPart, at: number) => void,
  onRestart: () => void = () => {},
): void {
  let mcu = 0;
  const next = () => {
    if (restartInterval > 0 && mcu > 0 && mcu % restartInterval === 0) {
      bits.restart();
      onRestart();
    }
    mcu++;
  };
  const [only] = parts;
  if (parts.length === 1 && only) {
    const { width, usedWidth, usedHeight } = only.component;
    for (let y = 0; y < usedHeight; y++) {
      for (let x = 0; x < usedWidth; x++) {
        next();
        visit(only, y * width + x);
      }
    }
    return;
  }
  const { component } = only as ScanPart;
  for (let row = 0; row < component.height / component.v; row++) {
    for (let column = 0; column < component.width / component.h; column++) {
      next();
      for (const part of parts) visitMcu(part, row, column, visit);
    }
  }
}

function visitMcu(part: ScanPart, row: number, column: number, visit: (part: ScanPart, at: number) => void): void {
  const { h, v, width } = part.component;
  for (let y = 0; y < v; y++) {
    for (let x = 0; x < h; x++) visit(part, (row * v + y) * width + column * h + x);
  }
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
