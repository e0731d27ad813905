import { applyPalette, GIFEncoder, quantize } from "gifenc/dist/gifenc.esm.js";
import { PNG } from "pngjs";

/** The most colours of a GIF, of which one stands for "as before". */
const COLORS = 255;
const AS_BEFORE = COLORS;

export interface AnimationTiming {
  /** Milliseconds that a frame is shown, */
  frame: number;
  /** the first one, */
  first: number;
  /** and the last one, before it begins anew. */
  last: number;
}

/**
 * Makes a GIF that repeats for ever. The frames' colours are reduced to 255, and of every frame only what has changed
 * is stored.
 * @param frames PNG files of equal size, opaque; the last one has to have every colour that matters.
 * @throws Error if there is no frame, or one of another size.
 */
export function animation(frames: Buffer[], timing: AnimationTiming): Uint8Array {
  const pictures = frames.map((frame) => PNG.sync.read(frame));
  const last = pictures.at(-1);
  if (!last) throw new Error("An animation needs a frame.");
  const { width, height } = last;
  const palette = quantize(last.data, COLORS);
  // All tables have 256 colours, so that "as before" is none of the picture's.
  while (palette.length <= AS_BEFORE) palette.push([0, 0, 0]);
  const encoder = GIFEncoder();
  let shown: Uint8Array | null = null;
  for (const [index, picture] of pictures.entries()) {
    if (picture.width !== width || picture.height !== height) throw new Error("The frames are not of equal size.");
    const colors = applyPalette(picture.data, palette.slice(0, COLORS));
    const drawn = shown ? difference(shown, colors) : colors;
    const delay = index === pictures.length - 1 ? timing.last : index === 0 ? timing.first : timing.frame;
    encoder.writeFrame(drawn, width, height, {
      ...(index === 0 && { palette, repeat: 0 }),
      delay,
      transparent: shown !== null,
      transparentIndex: AS_BEFORE,
      dispose: 1,
    });
    shown = colors;
  }
  encoder.finish();
  return encoder.bytes();
}

function difference(before: Uint8Array, after: Uint8Array): Uint8Array {
  return after.map((color, pixel) => (color === before[pixel] ? AS_BEFORE : color));
}
