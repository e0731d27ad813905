/** The measures of `npm run seam`, whatever fills and scores. */
import type { CompletedSample } from "../../src/model/types.ts";

/** Holes in the middle, beside ROWSxCOLUMNS: true = in the hole, by row and column from its middle, -1 to 1 at its ends. */
export const HOLES: Record<string, (row: number, column: number) => boolean> = {
  // Of 16 rows and columns.
  disc: (row, column) => row ** 2 + column ** 2 <= 1,
  diamond: (row, column) => Math.abs(row) + Math.abs(column) <= 1,
  ring: (row, column) => row ** 2 + column ** 2 <= 1 && row ** 2 + column ** 2 > 0.2,
};

/** Rows under a hole that are compared. */
const SEAM_ROWS = 2;

export interface Measures {
  hole: string;
  candidates: number;
  /** Nats per pixel of the two rows under the hole, below its columns: of the original, and after a fill. */
  original: number;
  filled: number;
  /** The same over those rows' whole width. */
  originalRows: number;
  filledRows: number;
  /** The best fill of each picture. */
  best: number;
  /** Nats per generated pixel of the fills, and of the original there. */
  inside: number;
  originalInside: number;
  /** Share of the hole's pixels in which two fills of one picture differ, the mean over pairs. */
  different: number;
  secondsASample: number;
}

/** @returns true = given */
export function holeOf(name: string, side: number): boolean[] {
  const size = /^(\d+)x(\d+)$/.exec(name);
  const inHole = HOLES[name];
  if (!size && !inHole) throw new Error(`there is no hole ${name}`);
  const [rows, columns] = size ? [Number(size[1]), Number(size[2])] : [16, 16];
  const at = (index: number, length: number) => (index - (side - 1) / 2) / (length / 2);
  return Array.from({ length: side ** 2 }, (_, pixel) => {
    const [row, column] = [at(Math.floor(pixel / side), rows), at(pixel % side, columns)];
    return Math.abs(row) > 1 || Math.abs(column) > 1 || !(inHole?.(row, column) ?? true);
  });
}

export async function measure(
  pictures: readonly Int32Array[],
  keep: readonly boolean[],
  fill: (tokens: Int32Array) => Promise<readonly CompletedSample[]>,
  score: (tokens: Int32Array) => Promise<Float32Array>,
  report: (done: number, excess: number) => void,
): Promise<Omit<Measures, "hole" | "candidates" | "secondsASample">> {
  const side = Math.sqrt(keep.length);
  const under = seamOf(keep, side);
  const rows = keep.map((_, pixel) => under.some((other) => Math.floor(other / side) === Math.floor(pixel / side)));
  const wide = keep.flatMap((given, pixel) => (given && rows[pixel] ? [pixel] : []));
  const hole = keep.flatMap((given, pixel) => (given ? [] : [pixel]));
  const sums = {
    original: 0,
    filled: 0,
    originalRows: 0,
    filledRows: 0,
    best: 0,
    inside: 0,
    originalInside: 0,
    different: 0,
  };
  for (const [i, tokens] of pictures.entries()) {
    const original = await score(tokens);
    const fills = await fill(tokens);
    const scores = [];
    for (const sample of fills) scores.push(await score(sample.tokens));
    sums.original += mean(under.map((pixel) => original[pixel] ?? Number.NaN));
    sums.originalRows += mean(wide.map((pixel) => original[pixel] ?? Number.NaN));
    sums.originalInside += mean(hole.map((pixel) => original[pixel] ?? Number.NaN));
    const seams = scores.map((nats) => mean(under.map((pixel) => nats[pixel] ?? Number.NaN)));
    sums.filled += mean(seams);
    sums.best += Math.min(...seams);
    sums.filledRows += mean(scores.map((nats) => mean(wide.map((pixel) => nats[pixel] ?? Number.NaN))));
    sums.inside += mean(fills.map(({ nllPerPixel }) => nllPerPixel));
    sums.different += differences(
      fills.map(({ tokens }) => tokens),
      hole,
    );
    report(i + 1, (sums.filled - sums.original) / (i + 1));
  }
  const of = (sum: number) => sum / pictures.length;
  return {
    original: of(sums.original),
    filled: of(sums.filled),
    originalRows: of(sums.originalRows),
    filledRows: of(sums.filledRows),
    best: of(sums.best),
    inside: of(sums.inside),
    originalInside: of(sums.originalInside),
    different: of(sums.different),
  };
}

/** The first given pixels under the hole, two in each of its columns. */
function seamOf(keep: readonly boolean[], side: number): number[] {
  return Array.from({ length: side }, (_, column) => {
    const last = Array.from({ length: side }, (_, row) => keep[row * side + column]).lastIndexOf(false);
    if (last < 0) return [];
    return Array.from({ length: SEAM_ROWS }, (_, i) => (last + 1 + i) * side + column).filter((at) => at < keep.length);
  }).flat();
}

function differences(fills: readonly Int32Array[], hole: readonly number[]): number {
  const pairs = fills.flatMap((a, i) =>
    fills.slice(i + 1).map((b) => mean(hole.map((pixel) => Number(a[pixel] !== b[pixel])))),
  );
  return pairs.length > 0 ? mean(pairs) : 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function table(results: readonly Measures[]): string {
  const head =
    "| hole | candidates | original | filled | excess | whole rows' excess | best of the fills | inside (original) | different | s a sample |";
  const line = (r: Measures) =>
    [
      r.hole,
      r.candidates,
      r.original.toFixed(2),
      r.filled.toFixed(2),
      `+${(r.filled - r.original).toFixed(2)}`,
      `+${(r.filledRows - r.originalRows).toFixed(2)}`,
      r.best.toFixed(2),
      `${r.inside.toFixed(2)} (${r.originalInside.toFixed(2)})`,
      r.different.toFixed(2),
      r.secondsASample.toFixed(1),
    ].join(" | ");
  return [head, `|${" --- |".repeat(10)}`, ...results.map((result) => `| ${line(result)} |`)].join("\n");
}
