import type { Reduced } from "./box.ts";

/** A separable filter: its weight at a distance (in pixels of the coarser grid) and how far it reaches. */
export interface Kernel {
  reach: number;
  weight(x: number): number;
}

/** Lanczos with three lobes: sinc(x) sinc(x / 3). */
export const LANCZOS3: Kernel = {
  reach: 3,
  weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0),
};

/** Catmull-Rom: Keys' cubic convolution with a = -1/2. */
export const CUBIC: Kernel = {
  reach: 2,
  weight: (x) => {
    const d = Math.abs(x);
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
    if (d < 2) return ((-0.5 * d + 2.5) * d - 4) * d + 2;
    return 0;
  },
};

function sinc(x: number): number {
  if (x === 0) return 1;
  const t = Math.PI * x;
  return Math.sin(t) / t;
}

/**
 * Weights are whole numbers of this part, and each pass ends in whole levels, as in Pillow's `Resample.c`: so that a model is
 * asked about the very colours that it was trained and measured on.
 */
const ONE = 2 ** 22;

/** For each output pixel: where its window starts and the weights in it, which sum to ONE but for their rounding. */
interface Windows {
  starts: Int32Array;
  weights: Float64Array[];
}

/** The kernel is stretched by the reduction, so that nothing aliases; where a picture is enlarged it is not. */
function windows(size: number, from: number, length: number, out: number, kernel: Kernel): Windows {
  const scale = length / out;
  const stretch = Math.max(1, scale);
  const reach = kernel.reach * stretch;
  const starts = new Int32Array(out);
  const weights: Float64Array[] = [];
  for (let i = 0; i < out; i++) {
    const centre = from + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(size, Math.floor(centre + reach + 0.5));
    const w = Float64Array.from({ length: end - first }, (_, j) => kernel.weight((first + j + 0.5 - centre) / stretch));
    const sum = w.reduce((a, b) => a + b, 0);
    starts[i] = first;
    weights.push(w.map((v) => Math.sign(v) * Math.round(Math.abs(v / sum) * ONE)));
  }
  return { starts, weights };
}

/**
 * The box of a picture, resampled to side x side: RGB bytes [side, side, 3]. Horizontally, then vertically, rounded and cut to
 * 0..255 after each. A box of exactly side x side pixels comes out unchanged.
 */
export function resample(source: Reduced, side: number, kernel: Kernel): Uint8Array {
  const { width, height, rgb, box } = source;
  const across = windows(width, box.left, box.side, side, kernel);
  const down = windows(height, box.top, box.side, side, kernel);
  const narrow = new Uint8Array(height * side * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < side; x++) {
      const w = across.weights[x] as Float64Array;
      const start = y * width + (across.starts[x] as number);
      accumulate(narrow, (y * side + x) * 3, rgb, start * 3, 3, w);
    }
  }
  const out = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    const w = down.weights[y] as Float64Array;
    for (let x = 0; x < side; x++) {
      const start = (down.starts[y] as number) * side + x;
      accumulate(out, (y * side + x) * 3, narrow, start * 3, side * 3, w);
    }
  }
  return out;
}

/** A weighted sum to a level, 0..255. */
function level(sum: number): number {
  return Math.max(0, Math.min(255, Math.floor(sum / ONE + 0.5)));
}

/** to[at .. at + 3] = the weighted sum of RGB pixels that lie `stride` apart. */
function accumulate(
  to: Uint8Array,
  at: number,
  from: Float32Array | Uint8Array,
  start: number,
  stride: number,
  weights: Float64Array,
): void {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let j = 0, p = start; j < weights.length; j++, p += stride) {
    const w = weights[j] as number;
    r += w * (from[p] as number);
    g += w * (from[p + 1] as number);
    b += w * (from[p + 2] as number);
  }
  to[at] = level(r);
  to[at + 1] = level(g);
  to[at + 2] = level(b);
}
