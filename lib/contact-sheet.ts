import { PNG } from "pngjs";
import type { Palette } from "../src/model/candidates/outlook.ts";

/** Pixels between two pictures. */
const GAP = 8;

/**
 * Lays pictures out in rows on white, each scaled by a whole factor with crisp pixels.
 * @param rows PNG `data:` URIs of equal size; a row may be shorter than the others.
 * @returns a PNG file.
 */
export function contactSheet(rows: string[][], scale: number): Buffer {
  const pictures = rows.map((row) => row.map(decode));
  const side = (pictures[0]?.[0]?.width ?? 0) * scale;
  const columns = Math.max(...rows.map((row) => row.length));
  const sheet = new PNG({ width: columns * (side + GAP) + GAP, height: rows.length * (side + GAP) + GAP });
  sheet.data.fill(255);
  for (const [y, row] of pictures.entries()) {
    for (const [x, picture] of row.entries())
      paste(sheet, picture, GAP + x * (side + GAP), GAP + y * (side + GAP), scale);
  }
  return PNG.sync.write(sheet);
}

function decode(dataUri: string): PNG {
  return PNG.sync.read(Buffer.from(dataUri.slice(dataUri.indexOf(",") + 1), "base64"));
}

function paste(sheet: PNG, picture: PNG, left: number, top: number, scale: number): void {
  for (let y = 0; y < picture.height * scale; y++) {
    for (let x = 0; x < picture.width * scale; x++) {
      const from = 4 * (Math.floor(y / scale) * picture.width + Math.floor(x / scale));
      if (picture.data[from + 3] === 0) continue;
      picture.data.copy(sheet.data, 4 * ((top + y) * sheet.width + left + x), from, from + 4);
    }
  }
}

/** A PNG `data:` URI of a square picture's [pixels] palette indices; -1 is transparent. */
export function pngUri(tokens: ArrayLike<number>, palette: Palette): string {
  const side = Math.sqrt(tokens.length);
  const png = new PNG({ width: side, height: side });
  for (let i = 0; i < tokens.length; i++) {
    const color = palette[tokens[i] ?? -1];
    if (color) png.data.set([...color, 255], i * 4);
  }
  return `data:image/png;base64,${PNG.sync.write(png).toString("base64")}`;
}
