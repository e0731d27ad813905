import { CUBIC, resample } from "../resize/resample.ts";
import { type Filter, type Picture, SIDE, type Width } from "../types.ts";

/** The picture enlarged to width x width: RGBA [width, width, 4], all opaque. */
export function scale(picture: Picture, width: Width, filter: Filter): Uint8Array {
  if (filter === "smooth" && width !== SIDE) return withAlpha(smooth(picture, width));
  return enlarge(withAlpha(picture.rgb), width);
}

/** Whole pixels repeated: RGBA [32, 32, 4] to [width, width, 4]. */
function enlarge(rgba: Uint8Array, width: Width): Uint8Array {
  const times = width / SIDE;
  if (times === 1) return rgba;
  const from = new Uint32Array(rgba.slice().buffer);
  const to = new Uint32Array(width * width);
  for (let y = 0; y < SIDE; y++) {
    const first = y * times * width;
    for (let x = 0; x < SIDE; x++) {
      const at = first + x * times;
      to.fill(from[y * SIDE + x] as number, at, at + times);
    }
    for (let copy = 1; copy < times; copy++) to.copyWithin(first + copy * width, first, first + width);
  }
  return new Uint8Array(to.buffer);
}

function smooth(picture: Picture, width: Width): Uint8Array {
  const box = { left: 0, top: 0, side: SIDE };
  return resample({ width: SIDE, height: SIDE, rgb: Float32Array.from(picture.rgb), box }, width, CUBIC);
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
