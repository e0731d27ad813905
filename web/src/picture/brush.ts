/** Painting on the grid of pixels: what a brush covers, the cells between two points, and flood fill. */
import { type Color, type Picture, sideOf } from "./picture.ts";

export interface Cell {
  x: number;
  y: number;
}

/** Raster indices of a square brush around a cell of a picture of `side` pixels, cut at the border. */
export function brushCells({ x, y }: Cell, size: number, side: number): number[] {
  const from = -Math.floor((size - 1) / 2);
  const cells: number[] = [];
  for (let dy = from; dy < from + size; dy++) {
    for (let dx = from; dx < from + size; dx++) {
      const [cx, cy] = [x + dx, y + dy];
      if (cx >= 0 && cy >= 0 && cx < side && cy < side) cells.push(cy * side + cx);
    }
  }
  return cells;
}

/** The cells from a to b without gaps (Bresenham), both included: a quick stroke skips none. */
export function lineCells(a: Cell, b: Cell): Cell[] {
  const steps = Math.max(Math.abs(b.x - a.x), Math.abs(b.y - a.y));
  return Array.from({ length: steps + 1 }, (_, i) => ({
    x: Math.round(a.x + ((b.x - a.x) * i) / (steps || 1)),
    y: Math.round(a.y + ((b.y - a.y) * i) / (steps || 1)),
  }));
}

/** Paints cells of a picture; returns a new picture. */
export function paint(picture: Picture, cells: Iterable<number>, [red, green, blue]: Color): Picture {
  const painted = new Uint8ClampedArray(picture);
  for (const cell of cells) painted.set([red, green, blue, 255], cell * 4);
  return painted;
}

/** The connected cells that have the start's colour. */
export function floodCells(picture: Picture, start: Cell): number[] {
  const same = (a: number, b: number) =>
    [0, 1, 2].every((channel) => picture[a * 4 + channel] === picture[b * 4 + channel]);
  const side = sideOf(picture);
  const origin = start.y * side + start.x;
  const seen = new Set([origin]);
  const queue = [origin];
  for (let cell = queue.pop(); cell !== undefined; cell = queue.pop()) {
    const x = cell % side;
    const around = [cell - side, cell + side, x > 0 ? cell - 1 : -1, x < side - 1 ? cell + 1 : -1];
    for (const next of around) {
      if (next < 0 || next >= side * side || seen.has(next) || !same(next, origin)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return [...seen];
}
