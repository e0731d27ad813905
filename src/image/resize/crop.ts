/** A square of the stored picture, in its pixels. */
export interface Square {
  left: number;
  top: number;
  side: number;
}

/** EXIF's orientation, 1..8: how the stored picture is to be turned to stand upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/**
 * The centre square. Where the margin is odd, the upright picture loses the extra line on the right or the bottom, so
 * that a turned copy of a picture gives the same result as the picture itself.
 */
export function centreSquare(width: number, height: number, orientation: Orientation): Square {
  const side = Math.min(width, height);
  const [fromRight, fromBottom] = REVERSED[orientation];
  return { left: middle(width - side, fromRight), top: middle(height - side, fromBottom), side };
}

function middle(margin: number, reversed: boolean): number {
  return reversed ? Math.ceil(margin / 2) : Math.floor(margin / 2);
}

/** Whether the stored x axis, and the stored y axis, run against the upright picture's. */
const REVERSED: Record<Orientation, [boolean, boolean]> = {
  1: [false, false],
  2: [true, false],
  3: [true, true],
  4: [false, true],
  5: [false, false],
  6: [false, true],
  7: [true, true],
  8: [true, false],
};

/** Turns a square RGB picture [side, side, 3] upright. */
export function upright(rgb: Uint8Array, side: number, orientation: Orientation): Uint8Array {
  if (orientation === 1) return rgb;
  const turned = new Uint8Array(rgb.length);
  const [reverseX, reverseY] = REVERSED[orientation];
  const swapped = orientation >= 5;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      // (x, y) is a stored pixel; where does it stand in the upright picture?
      const alongX = reverseX ? side - 1 - x : x;
      const alongY = reverseY ? side - 1 - y : y;
      const to = swapped ? alongX * side + alongY : alongY * side + alongX;
      const from = (y * side + x) * 3;
      turned.set(rgb.subarray(from, from + 3), to * 3);
    }
  }
  return turned;
}
