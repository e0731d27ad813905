/** Chromaticities (x, y) of white and of the three primaries. */
export interface Primaries {
  white: [number, number];
  red: [number, number];
  green: [number, number];
  blue: [number, number];
}

/** A tone curve: a power, or sRGB's own. */
export type Curve = number | "sRGB";

type Vector = [number, number, number];
type Matrix = [Vector, Vector, Vector];

const D65: [number, number] = [0.3127, 0.329];
export const SRGB: Primaries = { white: D65, red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06] };
export const ADOBE_RGB: Primaries = { ...SRGB, green: [0.21, 0.71] };
/** Adobe RGB (1998), section 4.3.4.2: 2 + 51/256. */
export const ADOBE_GAMMA = 563 / 256;

/** The connection space's white (ICC.1:2022, section 6.3.4.3). */
const D50: Vector = [0.9642, 1, 0.8249];
const BRADFORD: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/**
 * An ICC profile (ICC.1:2022) of three primaries and one tone curve, for pictures that name these otherwise.
 * @returns undefined for primaries that span no colours.
 */
export function matrixProfile(primaries: Primaries, curve: Curve): Uint8Array | undefined {
  const colorants = adapted(primaries);
  if (!colorants) return undefined;
  const tags: [string[], Uint8Array][] = [
    [["wtpt"], xyzTag(D50)],
    ...["rXYZ", "gXYZ", "bXYZ"].map((name, i): [string[], Uint8Array] => [[name], xyzTag(colorants[i] as Vector)]),
    [["rTRC", "gTRC", "bTRC"], curveTag(curve)],
  ];
  return profileOf(tags);
}

/** The colours of full red, green and blue on D50's white, by Bradford's transform. */
function adapted({ white, red, green, blue }: Primaries): Vector[] | undefined {
  const xyz = ([x, y]: [number, number]): Vector => [x / y, 1, (1 - x - y) / y];
  const columns = [red, green, blue].map(xyz);
  const inverse = inverted(transposed(columns as Matrix));
  const toCone = BRADFORD;
  const fromCone = inverted(BRADFORD);
  if (!inverse || !fromCone) return undefined;
  const amounts = times(inverse, xyz(white));
  const [from, to] = [times(toCone, xyz(white)), times(toCone, D50)];
  const colorants = columns.map((column, i) => {
    const scaled = column.map((v) => v * (amounts[i] as number)) as Vector;
    const cone = times(toCone, scaled).map((v, c) => (v * (to[c] as number)) / (from[c] as number));
    return times(fromCone, cone as Vector);
  });
  return colorants.flat().every((v) => Number.isFinite(v) && Math.abs(v) < 4) ? colorants : undefined;
}

function times(m: Matrix, v: Vector): Vector {
  return m.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]) as Vector;
}

function transposed(m: Matrix): Matrix {
  return [0, 1, 2].map((c) => m.map((row) => row[c] as number)) as Matrix;
}

/** By cofactors; undefined when there is none. */
function inverted([a, b, c]: Matrix): Matrix | undefined {
  const cross = (u: Vector, v: Vector): Vector => [
    u[1] * v[2] - u[2] * v[1],
    u[2] * v[0] - u[0] * v[2],
    u[0] * v[1] - u[1] * v[0],
  ];
  const columns = [cross(b, c), cross(c, a), cross(a, b)];
  const [x, y, z] = columns[0] as Vector;
  const determinant = a[0] * x + a[1] * y + a[2] * z;
  if (!Number.isFinite(determinant) || Math.abs(determinant) < 1e-6) return undefined;
  return transposed(columns.map((column) => column.map((v) => v / determinant)) as Matrix);
}

function ascii(text: string): number[] {
  return [...text].map((c) => c.charCodeAt(0));
}

function fixed(view: DataView, at: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) view.setInt32(at + 4 * i, Math.round(value * 65_536));
}

function xyzTag(value: Vector): Uint8Array {
  const tag = new Uint8Array(20);
  tag.set(ascii("XYZ "));
  fixed(new DataView(tag.buffer), 8, value);
  return tag;
}

/** Section 10.18: type 0 is a power, type 3 IEC 61966-2-1's form. */
function curveTag(curve: Curve): Uint8Array {
  const values = curve === "sRGB" ? [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045] : [curve];
  const tag = new Uint8Array(12 + 4 * values.length);
  const view = new DataView(tag.buffer);
  tag.set(ascii("para"));
  view.setUint16(8, curve === "sRGB" ? 3 : 0);
  fixed(view, 12, values);
  return tag;
}

/** Section 7: a header of 128 bytes, the table of tags, their contents; names may share one. */
function profileOf(tags: [string[], Uint8Array][]): Uint8Array {
  const entries = tags.flatMap(([names]) => names).length;
  const start = 128 + 4 + 12 * entries;
  const profile = new Uint8Array(start + tags.reduce((sum, [, content]) => sum + content.length, 0));
  const view = new DataView(profile.buffer);
  view.setUint32(0, profile.length);
  view.setUint32(8, 0x04400000);
  profile.set(ascii("mntrRGB XYZ "), 12);
  profile.set(ascii("acsp"), 36);
  fixed(view, 68, D50);
  view.setUint32(128, entries);
  let at = start;
  let entry = 132;
  for (const [names, content] of tags) {
    for (const name of names) {
      profile.set(ascii(name), entry);
      view.setUint32(entry + 4, at);
      view.setUint32(entry + 8, content.length);
      entry += 12;
    }
    profile.set(content, at);
    at += content.length;
  }
  return profile;
}
