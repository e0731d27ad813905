import { GREY, GREY_ALPHA, INDEXED, type PngHeader, RGB, RGBA } from "./header.ts";

/** Turns `count` pixels of an unfiltered row into RGB on white, [count, 3]; 16-bit samples keep their fractions of 1/257. */
export type RowToRgb = (row: Uint8Array, count: number, rgb: Uint8Array | Float32Array) => void;

/**
 * How a PNG's rows become RGB: samples of any depth to 8 bits, grey and palette to colour, alpha and tRNS composited on
 * white.
 */
export function rowToRgb(header: PngHeader): RowToRgb {
  switch (header.colorType) {
    case INDEXED:
      return indexed(header);
    case GREY:
      return grey(header);
    case RGB:
      return direct(header, 3, false);
    case GREY_ALPHA:
      return direct(header, 1, true);
    case RGBA:
      return direct(header, 3, true);
    default:
      throw new RangeError(`no colour type ${header.colorType}`);
  }
}

/** One value composited on white by alpha 0..255. */
export function onWhite(value: number, alpha: number): number {
  return alpha === 255 ? value : Math.round((value * alpha + 255 * (255 - alpha)) / 255);
}

/** Sample i of a row whose samples have fewer than 8 bits, or 8: unscaled. */
function sample(row: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return row[i] as number;
  const bit = i * depth;
  return ((row[bit >> 3] as number) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

function indexed({ depth, palette, transparency }: PngHeader): RowToRgb {
  const colors = new Uint8Array(256 * 3);
  for (let i = 0; i < 256 * 3; i++) {
    const alpha = transparency?.[Math.floor(i / 3)] ?? 255;
    // An index past the palette is an error in the file; black is what browsers show.
    colors[i] = onWhite(palette[i] ?? 0, alpha);
  }
  return (row, count, rgb) => {
    for (let i = 0; i < count; i++) {
      const c = sample(row, i, depth) * 3;
      rgb[i * 3] = colors[c] as number;
      rgb[i * 3 + 1] = colors[c + 1] as number;
      rgb[i * 3 + 2] = colors[c + 2] as number;
    }
  };
}

function grey(header: PngHeader): RowToRgb {
  if (header.depth === 16) return direct(header, 1, false);
  const { depth, transparency } = header;
  const scale = 255 / ((1 << depth) - 1);
  const clear = transparency && transparency.length >= 2 ? transparent16(transparency, 0) : -1;
  return (row, count, rgb) => {
    for (let i = 0; i < count; i++) {
      const value = sample(row, i, depth);
      rgb.fill(value === clear ? 255 : value * scale, i * 3, i * 3 + 3);
    }
  };
}

/** Samples of 8 or 16 bits that are the colour itself. */
function direct({ depth, transparency }: PngHeader, colors: 1 | 3, alpha: boolean): RowToRgb {
  const bytes = depth / 8;
  const pixel = (colors + (alpha ? 1 : 0)) * bytes;
  const green = colors === 3 ? bytes : 0;
  const blue = colors === 3 ? 2 * bytes : 0;
  const clear = transparency && transparency.length >= colors * 2 ? transparency : undefined;
  if (colors === 3 && bytes === 1 && !alpha && !clear) return (row, count, rgb) => rgb.set(row.subarray(0, count * 3));
  if (bytes === 2) return wide(colors, alpha, clear);
  return (row, count, rgb) => {
    for (let i = 0, p = 0; i < count; i++, p += pixel) {
      const opacity = alpha ? (row[p + colors] as number) : clear && isClear(row, p, bytes, colors, clear) ? 0 : 255;
      rgb[i * 3] = onWhite(row[p] as number, opacity);
      rgb[i * 3 + 1] = onWhite(row[p + green] as number, opacity);
      rgb[i * 3 + 2] = onWhite(row[p + blue] as number, opacity);
    }
  };
}

/** The same for samples of 16 bits. */
function wide(colors: 1 | 3, alpha: boolean, clear: Uint8Array | undefined): RowToRgb {
  const pixel = (colors + (alpha ? 1 : 0)) * 2;
  const green = colors === 3 ? 2 : 0;
  const value = (row: Uint8Array, at: number) => (((row[at] as number) << 8) | (row[at + 1] as number)) / 257;
  return (row, count, rgb) => {
    for (let i = 0, p = 0; i < count; i++, p += pixel) {
      const isHole = clear !== undefined && !alpha && isClear(row, p, 2, colors, clear);
      const opacity = (alpha ? value(row, p + colors * 2) : isHole ? 0 : 255) / 255;
      const white = 255 * (1 - opacity);
      rgb[i * 3] = value(row, p) * opacity + white;
      rgb[i * 3 + 1] = value(row, p + green) * opacity + white;
      rgb[i * 3 + 2] = value(row, p + 2 * green) * opacity + white;
    }
  };
}

/** Whether the pixel at p is tRNS's transparent colour, compared with all its bits. */
function isClear(row: Uint8Array, p: number, bytes: number, colors: number, clear: Uint8Array): boolean {
  for (let c = 0; c < colors; c++) {
    const at = p + c * bytes;
    const value = bytes === 2 ? ((row[at] as number) << 8) | (row[at + 1] as number) : (row[at] as number);
    if (value !== transparent16(clear, c)) return false;
  }
  return true;
}

function transparent16(transparency: Uint8Array, channel: number): number {
  return ((transparency[channel * 2] as number) << 8) | (transparency[channel * 2 + 1] as number);
}
