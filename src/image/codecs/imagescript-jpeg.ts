import module from "imagescript/wasm/any/jpeg.wasm";
import { keeping } from "./keep.ts";

/**
 * ImageScript's JPEG codec (Rust: jpeg-decoder and jpeg-encoder, MIT), used without its JavaScript, which reads files.
 * It is the one maintained WASM decoder found that decodes at a reduced scale: see docs/images.md.
 */
interface Exports {
  memory: WebAssembly.Memory;
  walloc(bytes: number): number;
  wfree(pointer: number, bytes: number): void;
  /** Bytes of what was returned last. */
  wlen(): number;
  /** Takes the file over. 0: no JPEG or damaged, 1: cannot be scaled, else a picture. It is at least as large as what is asked for. */
  decode(pointer: number, bytes: number, width: number, height: number): number;
  decode_width(picture: number): number;
  decode_height(picture: number): number;
  decode_format(picture: number): number;
  decode_buffer(picture: number): number;
  decode_free(picture: number): void;
  /** RGBA in, a file out. */
  encode(pointer: number, width: number, height: number, quality: number): number;
}

export interface DecodedJpeg {
  width: number;
  height: number;
  /** 1 grey, 3 RGB, 4 CMYK. */
  channels: 1 | 3 | 4;
  /** A view into the instance's memory, gone when decode() returns. */
  data: Uint8Array;
}

const CHANNELS = [1, 3, 4] as const;

/** An instance may be used again unless it trapped. Its memory never shrinks. */
class JpegCodec {
  readonly #exports = new WebAssembly.Instance(module).exports as unknown as Exports;

  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * Decodes at 1, 1/2, 1/4 or 1/8 of the size: the smallest of them that has at least width x height pixels.
   * @param file In pieces, to be put end to end.
   * @param use Called with the picture; its result is returned.
   * @returns undefined for what is no JPEG or a damaged one.
   */
  decode<T>(file: Uint8Array[], width: number, height: number, use: (picture: DecodedJpeg) => T): T | undefined {
    const wasm = this.#exports;
    const bytes = file.reduce((sum, piece) => sum + piece.length, 0);
    const picture = wasm.decode(this.#copyIn(file, bytes), bytes, width, height);
    if (picture <= 1) return undefined;
    const channels = CHANNELS[wasm.decode_format(picture)];
    if (!channels) return undefined;
    const pointer = wasm.decode_buffer(picture);
    const data = new Uint8Array(wasm.memory.buffer, pointer, wasm.wlen());
    const result = use({ width: wasm.decode_width(picture), height: wasm.decode_height(picture), channels, data });
    wasm.decode_free(picture);
    return result;
  }

  /** @param quality 1..100 */
  encode(rgba: Uint8Array, width: number, height: number, quality: number): Uint8Array<ArrayBuffer> {
    const wasm = this.#exports;
    const pixels = this.#copyIn([rgba], rgba.length);
    const pointer = wasm.encode(pixels, width, height, quality);
    const length = wasm.wlen();
    const file = new Uint8Array(wasm.memory.buffer, pointer, length).slice();
    wasm.wfree(pointer, length);
    return file;
  }

  #copyIn(pieces: Uint8Array[], bytes: number): number {
    const pointer = this.#exports.walloc(bytes);
    const memory = new Uint8Array(this.#exports.memory.buffer, pointer, bytes);
    let at = 0;
    for (const piece of pieces) {
      memory.set(piece, at);
      at += piece.length;
    }
    return pointer;
  }
}

/** Lends the JPEG codec. */
export const withJpegCodec = keeping(() => new JpegCodec());
