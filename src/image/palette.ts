import type { Palette, Picture } from "./types.ts";

/** A manifest's palette, [colours][3], as a flat one. */
export function flatPalette(colors: readonly (readonly number[])[]): Palette {
  return Uint8Array.from(colors.flat());
}

/**
 * The nearest colour of each pixel by squared distance in RGB, the lowest index on ties: [side * side] palette indices
 * in raster order (iGPT paper, section 3.2: "9-bit color palette").
 */
export function toTokens(picture: Picture, palette: Palette): Int32Array {
  const { rgb } = picture;
  const tokens = new Int32Array(rgb.length / 3);
  // Flat areas are common, and an exact search costs a distance for each colour of the palette.
  const known = new Map<number, number>();
  for (let i = 0; i < tokens.length; i++) {
    const r = rgb[i * 3] as number;
    const g = rgb[i * 3 + 1] as number;
    const b = rgb[i * 3 + 2] as number;
    const key = (r << 16) | (g << 8) | b;
    let token = known.get(key);
    if (token === undefined) {
      token = nearest(r, g, b, palette);
      known.set(key, token);
    }
    tokens[i] = token;
  }
  return tokens;
}

function nearest(r: number, g: number, b: number, palette: Palette): number {
  let best = 0;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let c = 0; c * 3 < palette.length; c++) {
    const dr = r - (palette[c * 3] as number);
    const dg = g - (palette[c * 3 + 1] as number);
    const db = b - (palette[c * 3 + 2] as number);
    const distance = dr * dr + dg * dg + db * db;
    if (distance < bestDistance) {
      best = c;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * The picture that [side * side] tokens stand for.
 * @throws RangeError for tokens of no square, or one that is not in the palette.
 */
export function fromTokens(tokens: ArrayLike<number>, palette: Palette): Picture {
  const side = sideOf(tokens);
  const rgb = new Uint8Array(tokens.length * 3);
  const colors = palette.length / 3;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as number;
    if (!(Number.isInteger(token) && token >= 0 && token < colors)) throw new RangeError(`no colour ${token}`);
    rgb.set(palette.subarray(token * 3, token * 3 + 3), i * 3);
  }
  return { side, rgb };
}

/** Pixels a side of a square picture's tokens. @throws RangeError when they are no square */
export function sideOf(tokens: ArrayLike<number>): number {
  const side = Math.sqrt(tokens.length);
  if (!Number.isInteger(side) || side === 0) throw new RangeError(`${tokens.length} tokens are no square picture`);
  return side;
}
