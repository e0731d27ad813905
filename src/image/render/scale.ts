import { resized } from "../resize/resized.ts";
import type { Filter, Picture } from "../types.ts";

/** The picture enlarged to width x width: RGBA [width, width, 4], all opaque. */
export function scale(picture: Picture, width: number, filter: Filter): Uint8Array {
  if (filter === "smooth") return withAlpha(resized(picture, width).rgb);
  return enlarge(withAlpha(picture.rgb), picture.side, width);
}

/** Whole pixels repeated: RGBA [side, side, 4] to [width, width, 4]. */
function enlarge(rgba: Uint8Array, side: number, width: number): Uint8Array {
  const times = width / side;
  if (times === 1) return rgba;
  const from = new Uint32Array(rgba.slice().buffer);
  const to = new Uint32Array(width * width);
  for (let y = 0; y < side; y++) {
    const first = y * times * width;
    for (let x = 0; x < side; x++) {
      const at = first + x * times;
      to.fill(from[y * side + x] as number, at, at + times);
    }
    for (let copy = 1; copy < times; copy++) to.copyWithin(first + copy * width, first, first + width);
  }
  return new Uint8Array(to.buffer);
}

/** RGB to opaque RGBA. */
export function withAlpha(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let i = 0, j = 0; i < rgb.length; i += 3, j += 4) {
    rgba[j] = rgb[i] as number;
    rgba[j + 1] = rgb[i + 1] as number;
    rgba[j + 2] = rgb[i + 2] as number;
  }
  return rgba;
}
