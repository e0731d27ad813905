import encoderFactory, { type WebPModule } from "@jsquash/webp/codec/enc/webp_enc_simd.js";
import module from "@jsquash/webp/codec/enc/webp_enc_simd.wasm";
import { defaultOptions } from "@jsquash/webp/meta.js";

/** Enlarged pixels are few colours in large areas: lossless is smaller than lossy there, and exact. */
const OPTIONS = { ...defaultOptions, lossless: 1, quality: 40, method: 2 };
/** An instance that grew past it is dropped. */
const KEEP_BYTES = 24 * 2 ** 20;

interface Encoder {
  module: WebPModule;
  memory: WebAssembly.Memory;
}

let kept: Encoder | undefined;

/** A lossless WebP of RGBA pixels [height, width, 4]. */
export async function encodeWebp(rgba: Uint8Array, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = kept ?? (await instantiate());
  kept = undefined;
  const pixels = Uint8ClampedArray.from(rgba);
  const file = encoder.module.encode(pixels, width, height, OPTIONS);
  if (!file) throw new Error("the WebP encoder gave nothing");
  if (encoder.memory.buffer.byteLength <= KEEP_BYTES) kept = encoder;
  return file.slice();
}

/** Workers compile no WASM at run time, so the glue is handed the bundled module. */
async function instantiate(): Promise<Encoder> {
  let memory: WebAssembly.Memory | undefined;
  const encoder = await encoderFactory({
    noInitialRun: true,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      memory = Object.values(instance.exports).find((e) => e instanceof WebAssembly.Memory);
      done(instance);
      return instance.exports;
    },
  });
  if (!memory) throw new Error("the WebP encoder exports no memory");
  return { module: encoder, memory };
}
