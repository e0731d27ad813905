/** How a filter goes through a picture: where candidates are weighed against each other, and how far down. */

/** Rows of given pixels below the last generated one that candidates are weighed by: those further down tell little. */
function rowsBelow(side: number): number {
  return Math.max(4, side / 8);
}

/** Whether some given pixel comes after a generated one: only then do candidates differ in how they fit. */
export function hasGivenAfter(keep: readonly boolean[]): boolean {
  return keep.includes(true, keep.indexOf(false));
}

/** One past the last position that a filter computes. @param side pixels a side */
export function weighedEnd(keep: readonly boolean[], side: number): number {
  const lastRow = Math.floor(keep.lastIndexOf(false) / side);
  return Math.min(lastRow + 1 + rowsBelow(side), side) * side;
}

/** Generated pixels between two weighings at most. */
const GENERATED_A_STEP = 4;

/** Positions between two weighings. */
export interface Step {
  start: number;
  end: number;
  /** Whether it begins with a generated pixel; else all of it is given. */
  generates: boolean;
}

/**
 * A step ends before a generated pixel, so that all given ones before it have been seen: those right of a hole, and left of
 * it in the next row. It has few generated pixels, all of one row. Where nothing is generated a step is a row.
 */
export function stepsOf(keep: readonly boolean[], side: number): Step[] {
  const end = weighedEnd(keep, side);
  const steps: Step[] = [];
  let generated = 0;
  for (let position = keep.indexOf(false); position < end; position++) {
    const rowStart = position - (position % side);
    const newRow = keep.indexOf(false, rowStart) === position;
    if (keep[position] === false) {
      if (newRow || generated === GENERATED_A_STEP) {
        steps.push({ start: position, end, generates: true });
        generated = 0;
      }
      generated++;
    } else if (position === rowStart && !keep.slice(position, position + side).includes(false)) {
      steps.push({ start: position, end, generates: false });
    }
  }
  return steps.map((step, i) => ({ ...step, end: steps[i + 1]?.start ?? end }));
}
