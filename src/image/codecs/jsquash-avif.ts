import factory from "@jsquash/avif/codec/dec/avif_dec.js";
import module from "@jsquash/avif/codec/dec/avif_dec.wasm";

/** libavif and libaom's decoder (Squoosh's build). Its own JavaScript is needed: it holds what Embind calls. */
interface Decoder {
  /** [height, width, 4] of 8 bits, alpha not premultiplied; null: damaged. */
  decode(file: Uint8Array, bitDepth: 8): DecodedAvif | null;
}

export interface DecodedAvif {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

type Factory = (options: {
  noInitialRun: boolean;
  print: () => void;
  printErr: () => void;
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): object;
}) => Promise<Decoder>;

/** What an instance holds before anything is decoded. */
export const AVIF_CODEC_BYTES = 16 * 2 ** 20;

/** An instance for one picture: its memory never shrinks. */
export function avifDecoder(): Promise<Decoder> {
  const silent = () => undefined;
  return (factory as unknown as Factory)({
    noInitialRun: true,
    print: silent,
    printErr: silent,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
}
