/** The measures of `npm run sampling`. */
import type { Palette } from "../../src/model/candidates/outlook.ts";

export interface Row {
  temperature: number;
  topP: number;
  /** Nats per generated pixel under the model's own distribution, and of the photographs' own lower halves. */
  nats: number;
  originalNats: number;
  /** How far neighbouring pixels of the lower half differ, relative to the photographs': 1 = as rough as they are. */
  roughness: number;
  /** Levels of a channel by which two samples of one picture differ in a pixel, the mean over pairs and pixels. */
  different: number;
}

/** Mean difference, in levels of a channel, of neighbours in the lower half of [side * side] tokens. */
export function roughnessOf(tokens: ArrayLike<number>, palette: Palette, side: number): number {
  const differences: number[] = [];
  for (let y = side / 2; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = y * side + x;
      if (x + 1 < side) differences.push(apart(tokens[at], tokens[at + 1], palette));
      if (y + 1 < side) differences.push(apart(tokens[at], tokens[at + side], palette));
    }
  }
  return mean(differences);
}

/** Mean difference, in levels of a channel, between the pixels of each two of these pictures; 0 for fewer than two. */
export function differenceOf(pictures: readonly ArrayLike<number>[], palette: Palette): number {
  const pairs = pictures.flatMap((a, i) =>
    pictures.slice(i + 1).map((b) => mean(Array.from(a, (color, pixel) => apart(color, b[pixel], palette)))),
  );
  return pairs.length > 0 ? mean(pairs) : 0;
}

function apart(a: number | undefined, b: number | undefined, palette: Palette): number {
  const [one, other] = [palette[a ?? -1], palette[b ?? -1]];
  if (!one || !other) throw new RangeError(`a colour of ${a}, ${b} is not in the palette`);
  return (Math.abs(one[0] - other[0]) + Math.abs(one[1] - other[1]) + Math.abs(one[2] - other[2])) / 3;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function table(rows: readonly Row[]): string {
  const head = "| temperature | top-p | nats (photographs) | roughness | different, levels |";
  const line = (r: Row) =>
    [
      r.temperature,
      r.topP,
      `${r.nats.toFixed(2)} (${r.originalNats.toFixed(2)})`,
      r.roughness.toFixed(2),
      r.different.toFixed(1),
    ].join(" | ");
  return [head, `|${" --- |".repeat(5)}`, ...rows.map((row) => `| ${line(row)} |`)].join("\n");
}
