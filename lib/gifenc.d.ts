/** What we use of gifenc, which comes without types; its ES module by path, as Node and Vite differ in what "gifenc" is. */
declare module "gifenc/dist/gifenc.esm.js" {
  type Palette = [red: number, green: number, blue: number][];
  interface FrameOptions {
    /** The first frame's is the whole file's, where later frames have none. */
    palette?: Palette;
    /** Milliseconds. */
    delay?: number;
    /** 0 = for ever. */
    repeat?: number;
    transparent?: boolean;
    transparentIndex?: number;
    /** 1 = the next frame is drawn over this one. */
    dispose?: number;
  }
  interface Encoder {
    writeFrame(indices: Uint8Array, width: number, height: number, options?: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array;
  }
  export function GIFEncoder(): Encoder;
  export function quantize(rgba: Uint8Array, maxColors: number): Palette;
  export function applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array;
}
