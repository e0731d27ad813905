import type { BitReader } from "./bits.ts";
import type { JpegHeader } from "./header.ts";

/** The blocks of 8x8 of one component. */
export interface Blocks {
  id: number;
  /** Sampling factors. */
  h: number;
  v: number;
  /** Blocks, padded to whole MCUs, and those that hold pixels (all that a scan of this component alone has). */
  width: number;
  height: number;
  usedWidth: number;
  usedHeight: number;
}

/** The whole picture in MCUs, and the largest sampling factors. */
export function mcus({ width, height, components }: JpegHeader) {
  const maxH = Math.max(...components.map((c) => c.h));
  const maxV = Math.max(...components.map((c) => c.v));
  return { maxH, maxV, across: Math.ceil(width / (8 * maxH)), down: Math.ceil(height / (8 * maxV)) };
}

/** ITU T.81, section A.2: what blocks each component has. */
export function blocksOf(header: JpegHeader): Blocks[] {
  const { maxH, maxV, across, down } = mcus(header);
  return header.components.map(({ id, h, v }) => ({
    ...{ id, h, v },
    width: across * h,
    height: down * v,
    usedWidth: Math.ceil(Math.ceil((header.width * h) / maxH) / 8),
    usedHeight: Math.ceil(Math.ceil((header.height * v) / maxV) / 8),
  }));
}

/**
 * Visits a scan's blocks in their order (section A.2), restarts included.
 * @param visit Called with the part and the index of the block in its component.
 */
export function walk<P extends { component: Blocks }>(
  parts: P[],
  restartInterval: number,
  bits: BitReader,
  visit: (part: P, at: number) => void,
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
  if (!only) return;
  const { component } = only;
  if (parts.length === 1) {
    for (let y = 0; y < component.usedHeight; y++) {
      for (let x = 0; x < component.usedWidth; x++) {
        next();
        visit(only, y * component.width + x);
      }
    }
    return;
  }
  for (let row = 0; row < component.height / component.v; row++) {
    for (let column = 0; column < component.width / component.h; column++) {
      next();
      for (const part of parts) visitMcu(part, row, column, visit);
    }
  }
}

function visitMcu<P extends { component: Blocks }>(
  part: P,
  row: number,
  column: number,
  visit: (part: P, at: number) => void,
): void {
  const { h, v, width } = part.component;
  for (let y = 0; y < v; y++) {
    for (let x = 0; x < h; x++) visit(part, (row * v + y) * width + column * h + x);
  }
}
