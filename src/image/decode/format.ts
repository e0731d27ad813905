import type { Turns } from "../../scheduling/turns.ts";
import { type Colors, MAX_PROFILE_BYTES } from "../color/to-srgb.ts";
import { BoxReducer } from "../resize/box.ts";
import { centreSquare, type Orientation } from "../resize/crop.ts";
import type { CheckSize } from "./size.ts";

/** A kind of file that is read. A folder beside this file holds each, and `formats.ts` lists them. */
export interface Format {
  /** As messages call it. */
  readonly name: string;
  /** Pixels that may be walked through for one picture: bounds the CPU time (a few seconds), not the memory. */
  readonly maxPixels: number;
  /** @param start The first 16 bytes, a character each. */
  matches(start: string, file: Uint8Array): boolean;
  /**
   * Reads the header; decodes nothing.
   * @throws UserError BAD_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_IMAGE
   */
  plan(file: Uint8Array, check: CheckSize): Plan;
}

/** A file whose header was read: what it needs, and how to get at its pixels. */
export interface Plan {
  width: number;
  height: number;
  orientation: Orientation;
  /** The most memory that `run` takes. */
  bytes: number;
  /** What the colours mean; missing when they are sRGB's, undefined when what is said of them is damaged. */
  colors?: (() => Promise<Colors | undefined>) | undefined;
  /** @throws UserError BAD_IMAGE; the signal's reason when aborted. */
  run(turns: Turns, signal?: AbortSignal): Promise<BoxReducer>;
}

type Sized = Pick<Plan, "width" | "height" | "orientation">;

/** What of the stored picture is shown. */
export function squareOf({ width, height, orientation }: Sized) {
  return centreSquare(width, height, orientation);
}

/** Takes the rows of the stored picture. */
export function reducerOf(sized: Sized): BoxReducer {
  return new BoxReducer(sized.width, sized.height, squareOf(sized));
}

/** The colours of a profile that a file embeds as it is. */
export function embedded(icc: Uint8Array | undefined, isGrey = false): Plan["colors"] {
  return icc && icc.length <= MAX_PROFILE_BYTES ? async () => ({ icc, isGrey }) : undefined;
}
