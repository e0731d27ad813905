// The package's own declarations name types of Emscripten that it does not ship.
declare module "@jsquash/webp/codec/enc/webp_enc_simd.js" {
  import type { EncodeOptions } from "@jsquash/webp/codec/enc/webp_enc.js";

  export interface WebPModule {
    /** A view into its memory, or null. */
    encode(rgba: BufferSource, width: number, height: number, options: EncodeOptions): Uint8Array | null;
  }
  interface Options {
    noInitialRun: boolean;
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports;
  }
  export default function factory(options: Options): Promise<WebPModule>;
}
