import module from "lcms-wasm/dist/lcms.wasm";

/**
 * Little CMS 2 (MIT), used without the package's JavaScript, which looks for its file at run time. An instance is made for
 * one picture and dropped after it: profiles come from strangers.
 */
interface Exports {
  memory: WebAssembly.Memory;
  __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
  /** 0: damaged. */
  cmsOpenProfileFromMem(pointer: number, bytes: number): number;
  cmsCreate_sRGBProfile(): number;
  cmsGetColorSpace(profile: number): number;
  /** 0: cannot be made. */
  cmsCreateTransform(
    from: number,
    fromFormat: number,
    to: number,
    toFormat: number,
    intent: number,
    flags: number,
  ): number;
  cmsDoTransform(transform: number, from: number, to: number, pixels: number): void;
}

/** The channels of a profile: what Little CMS calls its colour space, and a format of 16 bits a channel. */
const SPACES = {
  GRAY: { signature: 0x47524159, channels: 1, format: (3 << 16) | (1 << 3) | 2 },
  RGB: { signature: 0x52474220, channels: 3, format: (4 << 16) | (3 << 3) | 2 },
  CMYK: { signature: 0x434d594b, channels: 4, format: (6 << 16) | (4 << 3) | 2 },
} as const;

export type ColorSpace = keyof typeof SPACES;

const RELATIVE_COLORIMETRIC = 1;
const BLACK_POINT_COMPENSATION = 0x2000;

/** What an instance holds before it has a profile. */
export const LCMS_BYTES = 16 * 2 ** 20;

/** It called for what it has not: a file, or an exit. */
class LcmsFailed extends Error {}

/** Pixels of 16 bits a channel to sRGB's, [count, 3]. The result is gone with the next call. */
export interface ToSrgb {
  space: ColorSpace;
  /** undefined where the profile turns out to be damaged. */
  convert(pixels: Uint16Array): Uint16Array | undefined;
}

/**
 * Relative colorimetric with black point compensation, as browsers do it.
 * @param icc An ICC profile.
 * @param most Pixels that `convert` is given at once, at the most.
 * @returns undefined for a profile that is damaged, or of another kind.
 */
export function openProfile(icc: Uint8Array, most: number): ToSrgb | undefined {
  return guarded(() => {
    const wasm = instantiate();
    const bytes = wasm.malloc(icc.length);
    new Uint8Array(wasm.memory.buffer, bytes, icc.length).set(icc);
    const profile = wasm.cmsOpenProfileFromMem(bytes, icc.length);
    if (profile === 0) return undefined;
    const signature = wasm.cmsGetColorSpace(profile);
    const space = (Object.keys(SPACES) as ColorSpace[]).find((name) => SPACES[name].signature === signature);
    if (!space) return undefined;
    const { format, channels } = SPACES[space];
    const srgb = wasm.cmsCreate_sRGBProfile();
    const flags = BLACK_POINT_COMPENSATION;
    const to = SPACES.RGB.format;
    const transform = wasm.cmsCreateTransform(profile, format, srgb, to, RELATIVE_COLORIMETRIC, flags);
    if (transform === 0) return undefined;
    const input = wasm.malloc(most * channels * 2);
    const output = wasm.malloc(most * 3 * 2);
    const convert = (pixels: Uint16Array) =>
      guarded(() => {
        const count = pixels.length / channels;
        new Uint16Array(wasm.memory.buffer, input, pixels.length).set(pixels);
        wasm.cmsDoTransform(transform, input, output, count);
        return new Uint16Array(wasm.memory.buffer, output, count * 3);
      });
    return { space, convert };
  });
}

/** A trap or a call for what is not there comes from a damaged profile. */
function guarded<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof LcmsFailed || error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

function instantiate(): Exports {
  // It only asks for the time, for profiles that it makes, and copies memory; all else is for files and errors.
  let wasm: Exports | undefined;
  const own: Record<string, (...args: number[]) => unknown> = {
    emscripten_memcpy_js: (to = 0, from = 0, bytes = 0) =>
      new Uint8Array(wasm?.memory.buffer ?? new ArrayBuffer(0)).copyWithin(to, from, from + bytes),
    emscripten_resize_heap: (bytes = 0) => {
      const memory = wasm?.memory;
      if (!memory || bytes > MOST_BYTES) return 0;
      memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / 65_536));
      return 1;
    },
    emscripten_date_now: () => 0,
    _tzset_js: () => undefined,
    _gmtime_js: () => undefined,
  };
  const failing = () => {
    throw new LcmsFailed("Little CMS gave up");
  };
  const importsOf = (namespace: string) =>
    Object.fromEntries(
      WebAssembly.Module.imports(module)
        .filter((wanted) => wanted.module === namespace)
        .map(({ name }) => [name, own[name] ?? failing]),
    );
  const imports = { env: importsOf("env"), wasi_snapshot_preview1: importsOf("wasi_snapshot_preview1") };
  wasm = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
  wasm.__wasm_call_ctors();
  return wasm;
}

/** A profile that wants more is taken for a damaged one. */
const MOST_BYTES = LCMS_BYTES + 4 * 2 ** 20;
