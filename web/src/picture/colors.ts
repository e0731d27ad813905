import type { Color } from "./picture.ts";

/** `#rrggbb` of a colour. */
export function toHex(color: Color): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

/** A colour of `#rrggbb`. */
export function fromHex(hex: string): Color {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Stops of the inferno map (matplotlib's), dark = expected, bright = surprising. */
const INFERNO = [
  "#000004",
  "#1b0c41",
  "#4a0c6b",
  "#781c6d",
  "#a52c60",
  "#cf4446",
  "#ed6925",
  "#fb9b06",
  "#f7d13d",
  "#fcffa4",
].map(fromHex);

/** The heat map's colour of a value in [0, 1]. */
export function heat(value: number): Color {
  const position = Math.min(1, Math.max(0, value)) * (INFERNO.length - 1);
  const low = Math.floor(position);
  const a = INFERNO[low] ?? [0, 0, 0];
  const b = INFERNO[low + 1] ?? a;
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * (position - low));
  return [mix(0), mix(1), mix(2)];
}
