import module from "@cwasm/webp/webp.wasm";

/**
 * libwebp 1.1.0's decoder alone, used without the package's JavaScript, which reads files. It gives the pixels where they
 * are; @jsquash/webp, which contains the same libwebp, copies them out, which doubles the peak: see docs/images.md.
 */
interface Exports {
  memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  /** Writes width and height as int32; returns RGBA pixels or 0. */
  WebPDecodeRGBA(file: number, bytes: number, width: number, height: number): number;
}

export interface DecodedWebp {
  width: number;
  height: number;
  /** [height, width, 4], alpha not premultiplied: a view into the instance's memory. */
  rgba: Uint8Array;
}

/** What the decoder asks of a system: it writes no files, so all of them fail. */
const FAILS = { fd_seek: () => 8, fd_close: () => 8, fd_write: () => 8 };

/**
 * Decodes by an instance of its own, which is garbage as soon as the pixels are dropped. Traps are thrown.
 * @param pieces The file, to be put end to end.
 */
export function decodeWebpFile(pieces: Uint8Array[]): DecodedWebp | undefined {
  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: FAILS });
  const wasm = instance.exports as unknown as Exports;
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const pointer = wasm.malloc(bytes);
  const size = wasm.malloc(8);
  if (pointer === 0 || size === 0) return undefined;
  const file = new Uint8Array(wasm.memory.buffer, pointer, bytes);
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  const pixels = wasm.WebPDecodeRGBA(pointer, bytes, size, size + 4);
  if (pixels === 0) return undefined;
  const [width, height] = new Uint32Array(wasm.memory.buffer, size, 2) as unknown as [number, number];
  return { width, height, rgba: new Uint8Array(wasm.memory.buffer, pixels, width * height * 4) };
}
