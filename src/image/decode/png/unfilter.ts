/**
 * Undoes a row's filter in place (W3C PNG, section 9).
 * @param row The filtered bytes; afterwards the row's own.
 * @param above The row above of the same pass, zeros for the first.
 * @param pixel Bytes a whole pixel, at least 1.
 * @returns false for a filter that does not exist.
 */
export function unfilter(filter: number, row: Uint8Array, above: Uint8Array, pixel: number): boolean {
  const length = row.length;
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (let i = pixel; i < length; i++) row[i] = (row[i] as number) + (row[i - pixel] as number);
      return true;
    case 2:
      for (let i = 0; i < length; i++) row[i] = (row[i] as number) + (above[i] as number);
      return true;
    case 3:
      for (let i = 0; i < length; i++) {
        const left = i < pixel ? 0 : (row[i - pixel] as number);
        row[i] = (row[i] as number) + ((left + (above[i] as number)) >> 1);
      }
      return true;
    case 4:
      for (let i = 0; i < length; i++) {
        const left = i < pixel ? 0 : (row[i - pixel] as number);
        const corner = i < pixel ? 0 : (above[i - pixel] as number);
        row[i] = (row[i] as number) + paeth(left, above[i] as number, corner);
      }
      return true;
    default:
      return false;
  }
}

/** Of left, above and corner the one that is nearest to left + above - corner; ties in that order. */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
