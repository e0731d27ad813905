/** Changes to files of pictures, byte by byte: what other programs write and Pillow does not. */
import { crc32, deflateSync } from "node:zlib";

const joined = (...parts: (Uint8Array | readonly number[])[]) => new Uint8Array(Buffer.concat(parts.map(Buffer.from)));

/** Where each of a JPEG's marker segments begins, from the first after SOI to the (first) scan. */
function segments(jpeg: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 2; ; at += 2 + (((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 0))) {
    found.push(at);
    if (jpeg[at + 1] === 0xda || at >= jpeg.length) return found;
  }
}

/** The JPEG with other bytes for "start of spectral selection, end of it, approximation", which a sequential scan does not use. */
export function withScanParameters(jpeg: Uint8Array, parameters: readonly [number, number, number]): Uint8Array {
  const scan = segments(jpeg).at(-1) ?? 0;
  const changed = jpeg.slice();
  changed.set(parameters, scan + 5 + 2 * (jpeg[scan + 4] ?? 0));
  return changed;
}

/** The JPEG with fill bytes (0xFF) before each marker, as the standard allows (B.1.1.2). */
export function withFillBytes(jpeg: Uint8Array): Uint8Array {
  const starts = segments(jpeg);
  const parts = starts.map((from, i) => joined([0xff, 0xff, 0xff], jpeg.subarray(from, starts[i + 1])));
  return joined(jpeg.subarray(0, 2), ...parts);
}

/** The JPEG with bytes between its last scan and its end marker. */
export function withBytesBeforeEnd(jpeg: Uint8Array, bytes: readonly number[]): Uint8Array {
  return joined(jpeg.subarray(0, -2), bytes, jpeg.subarray(-2));
}

/** The JPEG with another segment after SOI. */
export function withSegment(jpeg: Uint8Array, marker: number, content: Uint8Array): Uint8Array {
  const length = content.length + 2;
  return joined(jpeg.subarray(0, 2), [0xff, marker, length >> 8, length & 255], content, jpeg.subarray(2));
}

export function pngChunk(name: string, content: Uint8Array | readonly number[]): Uint8Array {
  const body = joined(Buffer.from(name, "latin1"), content);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  check.writeUInt32BE(crc32(body));
  return joined(length, body, check);
}

/** The PNG with chunks before its first IDAT. */
export function withPngChunks(png: Uint8Array, ...chunks: Uint8Array[]): Uint8Array {
  const at = Buffer.from(png).indexOf("IDAT", "latin1") - 4;
  return joined(png.subarray(0, at), ...chunks, png.subarray(at));
}

/**
 * @param samples [height][width * channels], each below 2^depth
 * @param color PNG's colour type
 * @param chunks before the pixels
 */
export function png(samples: readonly number[][], depth: number, color: number, ...chunks: Uint8Array[]): Uint8Array {
  const channels = [1, 0, 3, 1, 2, 0, 4][color] ?? 0;
  const head = Buffer.alloc(13);
  head.writeUInt32BE((samples[0]?.length ?? 0) / channels, 0);
  head.writeUInt32BE(samples.length, 4);
  head.set([depth, color], 8);
  const rows = samples.map((row) => {
    const bits = row.map((value) => value.toString(2).padStart(depth, "0")).join("");
    const bytes = bits.match(/.{1,8}/g) ?? [];
    return [0, ...bytes.map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2))];
  });
  return joined(
    [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10],
    pngChunk("IHDR", head),
    ...chunks,
    pngChunk("IDAT", deflateSync(Buffer.from(rows.flat()), { level: 9 })),
    pngChunk("IEND", []),
  );
}

/** A TIFF structure that says nothing but the orientation. */
export function exif(orientation: number): Uint8Array {
  return joined(Buffer.from("MM\0*"), [
    0,
    0,
    0,
    8,
    0,
    1,
    0x01,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
}
