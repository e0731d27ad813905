/** A picture of a model's size in the browser: made from any file, turned into the PNG that requests carry. */

/** RGBA bytes in raster order of a square, opaque. */
export type Picture = Uint8ClampedArray<ArrayBuffer>;

/** [red, green, blue], 0 to 255. */
export type Color = readonly [number, number, number];

/** The most source pixels that are averaged into one, a side: beyond it the browser's own smoothing comes first. */
const MAX_STEP = 16;

/** Pixels a side. */
export function sideOf(picture: Picture): number {
  return Math.sqrt(picture.length / 4);
}

export function blank([red, green, blue]: Color, side: number): Picture {
  const picture = new Uint8ClampedArray(side * side * 4);
  for (let i = 0; i < picture.length; i += 4) picture.set([red, green, blue, 255], i);
  return picture;
}

/**
 * Reads a picture file: upright (EXIF), laid on white, cropped to its central square, averaged down to side x side.
 * A file of that size already keeps its exact pixels. Throws when the browser cannot read it.
 */
export async function readPicture(file: Blob, side: number): Promise<Picture> {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch((cause: unknown) => {
    throw new Error("This file can't be read as a picture. Try a PNG, JPEG, WebP, GIF or AVIF.", { cause });
  });
  try {
    return shrink(bitmap, bitmap.width, bitmap.height, side);
  } finally {
    bitmap.close();
  }
}

/** The central square of any drawable source, as a picture of side x side. */
export function shrink(source: CanvasImageSource, width: number, height: number, side: number): Picture {
  const edge = Math.min(width, height);
  const step = Math.min(MAX_STEP, Math.max(1, Math.floor(edge / side)));
  const context = canvas(side * step);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side * step, side * step);
  context.imageSmoothingEnabled = edge !== side;
  context.imageSmoothingQuality = "high";
  context.drawImage(source, (width - edge) / 2, (height - edge) / 2, edge, edge, 0, 0, side * step, side * step);
  return average(context.getImageData(0, 0, side * step, side * step).data, side, step);
}

/** A picture at another size. */
export function resized(picture: Picture, side: number): Picture {
  const old = sideOf(picture);
  return old === side ? picture : shrink(onCanvas(picture).canvas, old, old, side);
}

/** Box filter: each pixel is the mean of step x step source pixels. */
function average(source: Uint8ClampedArray, side: number, step: number): Picture {
  const picture = new Uint8ClampedArray(side * side * 4);
  const stride = side * step * 4;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let dy = 0; dy < step; dy++) {
          const row = (y * step + dy) * stride + x * step * 4 + channel;
          for (let dx = 0; dx < step; dx++) sum += source[row + dx * 4] ?? 0;
        }
        picture[(y * side + x) * 4 + channel] = sum / (step * step);
      }
    }
  }
  return picture;
}

/** A PNG as a data: URI, each pixel `scale` pixels wide; pixels for which `hidden` is true are transparent. */
export function toDataUri(picture: Picture, scale = 1, hidden?: (index: number) => boolean): string {
  const side = sideOf(picture);
  const pixels = new Uint8ClampedArray(picture);
  if (hidden) for (let i = 0; i < side * side; i++) if (hidden(i)) pixels[i * 4 + 3] = 0;
  const small = onCanvas(pixels);
  if (scale === 1) return small.canvas.toDataURL("image/png");
  const large = canvas(side * scale);
  large.imageSmoothingEnabled = false;
  large.drawImage(small.canvas, 0, 0, side * scale, side * scale);
  return large.canvas.toDataURL("image/png");
}

function onCanvas(picture: Picture): CanvasRenderingContext2D {
  const side = sideOf(picture);
  const context = canvas(side);
  context.putImageData(new ImageData(picture, side, side), 0, 0);
  return context;
}

/** Reads what `toDataUri` or the API's `dataUri` wrote, as a picture of side x side. */
export async function fromDataUri(uri: string, side: number): Promise<Picture> {
  return readPicture(await loadBlob(uri), side);
}

/** `fetch` of a data: URI would need `connect-src data:`; this needs nothing. */
async function loadBlob(uri: string): Promise<Blob> {
  const match = /^data:([^;,]+);base64,(.+)$/.exec(uri);
  if (!match?.[1] || !match[2]) throw new Error("This is not a base64 data URI.");
  const bytes = Uint8Array.from(atob(match[2]), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: match[1] });
}

/** Two pictures with the same pixels have the same key. */
export function pictureKey(picture: Picture): string {
  let hash = 0x811c9dc5;
  let second = 0x1000193;
  for (const byte of picture) {
    hash = Math.imul(hash ^ byte, 0x01000193);
    second = Math.imul(second + byte, 0x85ebca6b) ^ (second >>> 13);
  }
  return `${(hash >>> 0).toString(36)}${(second >>> 0).toString(36)}`;
}

/** A new canvas's context, `side` pixels square. */
export function canvas(side: number, height = side): CanvasRenderingContext2D {
  const element = document.createElement("canvas");
  element.width = side;
  element.height = height;
  const context = element.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no 2D canvas.");
  return context;
}
