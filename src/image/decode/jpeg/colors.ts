export function greyRowToRgb(row: Uint8Array, rgb: Uint8Array): void {
  for (let i = 0; i < row.length; i++) rgb.fill(row[i] as number, i * 3, i * 3 + 3);
}

/**
 * Inks to light, without a colour profile, as browsers and Pillow do.
 * @param inverted Adobe's programs, and all that write its marker, store 255 for no ink.
 */
export function cmykRowToRgb(row: Uint8Array, rgb: Uint8Array, inverted: boolean): void {
  const flip = inverted ? 0 : 255;
  for (let i = 0; i * 4 < row.length; i++) {
    const paper = (row[i * 4 + 3] as number) ^ flip;
    for (let c = 0; c < 3; c++) {
      const light = (row[i * 4 + c] as number) ^ flip;
      rgb[i * 3 + c] = Math.round((light * paper) / 255);
    }
  }
}
