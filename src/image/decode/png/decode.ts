import type { Turns } from "../../../scheduling/turns.ts";
import { damaged, truncated } from "../../problems.ts";
import type { BoxReducer } from "../../resize/box.ts";
import type { PngHeader } from "./header.ts";
import { INFLATE_BURST, inflate } from "./inflate.ts";
import { rowToRgb } from "./pixels.ts";
import { unfilter } from "./unfilter.ts";

/** A reduced picture of the interlacing (or the whole one): its first pixel and the steps between its pixels. */
interface Pass {
  x: number;
  y: number;
  stepX: number;
  stepY: number;
}

const WHOLE: Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];

/** W3C PNG, section 8.2. */
const ADAM7: Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

/** Bytes that decoding takes at the most: a few rows and one step of the inflater, whatever the height. */
export function pngBytes(header: PngHeader): number {
  return 2 * rowBytes(header, header.width) + header.width * (header.depth === 16 ? 12 : 3) + INFLATE_BURST;
}

function rowBytes({ depth, channels }: PngHeader, pixels: number): number {
  return Math.ceil((pixels * channels * depth) / 8);
}

/** Inflated bytes a turn: some tens of milliseconds. */
const TURN_BYTES = 2 ** 21;

/**
 * Decodes row by row into the reducer: the picture is never whole in memory. There is no library that gives rows (all
 * known ones hold the inflated picture once or twice), and the format is simple; inflating is the platform's.
 * @throws UserError BAD_IMAGE
 */
export async function decodePng(
  header: PngHeader,
  into: BoxReducer,
  turns: Turns,
  signal?: AbortSignal,
): Promise<void> {
  const rows = new RowAssembler(header, into);
  const inflated = inflate(header.data, header.cutOff);
  try {
    while (!rows.done) await turns.take(() => pushSome(inflated, rows), signal);
  } finally {
    // Also when the picture is whole before its file is: what is still queued must not stay.
    await inflated.return(undefined);
  }
}

/** One turn. */
async function pushSome(inflated: AsyncGenerator<Uint8Array>, rows: RowAssembler): Promise<void> {
  for (let bytes = 0; bytes < TURN_BYTES && !rows.done; ) {
    const { done, value } = await inflated.next();
    if (done) throw truncated("PNG");
    rows.push(value);
    bytes += value.length;
  }
}

/** Cuts the inflated stream into rows, undoes their filters and hands them on. */
class RowAssembler {
  readonly #header: PngHeader;
  readonly #into: BoxReducer;
  readonly #toRgb: ReturnType<typeof rowToRgb>;
  readonly #pixelBytes: number;
  readonly #rgb: Uint8Array | Float32Array;
  readonly #passes: Pass[];
  #pass = -1;
  #y = 0;
  #count = 0;
  #row = new Uint8Array();
  #above = new Uint8Array();
  /** Bytes of the row that are there; -1: its filter byte is next. */
  #filled = -1;
  #filter = 0;
  done = false;

  constructor(header: PngHeader, into: BoxReducer) {
    this.#header = header;
    this.#into = into;
    this.#toRgb = rowToRgb(header);
    this.#pixelBytes = Math.max(1, rowBytes(header, 1));
    this.#rgb = header.depth === 16 ? new Float32Array(header.width * 3) : new Uint8Array(header.width * 3);
    this.#passes = header.interlaced ? ADAM7 : WHOLE;
    this.#nextPass();
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.done; ) {
      if (this.#filled < 0) {
        this.#filter = bytes[at++] as number;
        this.#filled = 0;
        continue;
      }
      const taken = bytes.subarray(at, at + this.#row.length - this.#filled);
      this.#row.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
      if (this.#filled === this.#row.length) this.#finishRow();
    }
  }

  #finishRow(): void {
    if (!unfilter(this.#filter, this.#row, this.#above, this.#pixelBytes)) throw damaged("PNG");
    const pass = this.#passes[this.#pass] as Pass;
    if (this.#into.wants(this.#y)) {
      this.#toRgb(this.#row, this.#count, this.#rgb);
      this.#into.add(this.#y, this.#rgb, this.#count, pass.x, pass.stepX);
    }
    [this.#row, this.#above] = [this.#above, this.#row];
    this.#filled = -1;
    this.#y += pass.stepY;
    if (this.#y >= this.#header.height) this.#nextPass();
    // The rest of a picture that is not interlaced lies outside the square; a file without its end is to be whole, too.
    else if (this.#header.ended && !this.#header.interlaced && this.#y >= this.#into.last) this.done = true;
  }

  /** Goes to the next pass that has pixels: small pictures leave some empty. */
  #nextPass(): void {
    for (;;) {
      const pass = this.#passes[++this.#pass];
      if (!pass) {
        this.done = true;
        return;
      }
      this.#count = Math.ceil((this.#header.width - pass.x) / pass.stepX);
      if (this.#count <= 0 || pass.y >= this.#header.height) continue;
      this.#y = pass.y;
      const length = rowBytes(this.#header, this.#count);
      this.#row = new Uint8Array(length);
      this.#above = new Uint8Array(length);
      return;
    }
  }
}
