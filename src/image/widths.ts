import { UserError } from "../errors.ts";

/** The largest width (and height) that a picture is served at. */
const MAX_WIDTH = 1024;

/**
 * The widths (and heights) that a picture of `side` pixels is served at: its own, doubled up to 1,024. A fixed list, so that
 * a cache cannot be flooded; whole multiples, so that pixels stay crisp.
 */
export function widthsOf(side: number): number[] {
  const widths: number[] = [];
  for (let width = side; width <= MAX_WIDTH; width *= 2) widths.push(width);
  return widths;
}

/** Whether a picture of `side` pixels is served at this width. */
export function isWidth(width: number, side: number): boolean {
  return widthsOf(side).includes(width);
}

/**
 * A width that was asked for; the picture's own when none was.
 * @throws UserError BAD_OPTION when a picture of `side` pixels is not served at it.
 */
export function checkWidth(width: number | null | undefined, side: number): number {
  const wanted = width ?? side;
  if (isWidth(wanted, side)) return wanted;
  const allowed = widthsOf(side).join(", ");
  throw new UserError("BAD_OPTION", `width must be one of ${allowed} for a picture of ${side}x${side}, not ${wanted}.`);
}
