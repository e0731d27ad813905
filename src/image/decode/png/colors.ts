import { UserError } from "../../../errors.ts";
import { cicpProfile } from "../../color/cicp.ts";
import { type Curve, matrixProfile, type Primaries, SRGB } from "../../color/matrix-profile.ts";
import { type Colors, MAX_PROFILE_BYTES } from "../../color/to-srgb.ts";
import { GREY, GREY_ALPHA, type PngHeader } from "./header.ts";
import { inflate } from "./inflate.ts";

/** What a PNG says about its colours, chunk by chunk as it stands. */
export interface PngColorChunks {
  cICP?: Uint8Array;
  iCCP?: Uint8Array;
  sRGB?: Uint8Array;
  gAMA?: Uint8Array;
  cHRM?: Uint8Array;
}

/** Files say 45455 for sRGB's curve, and round its primaries. */
const GAMMA_TOLERANCE = 0.005;
const PRIMARIES_TOLERANCE = 0.003;

/** What the picture's colours mean (W3C PNG, section 4.3: in this order); undefined when they are sRGB's. */
export function pngColors(header: PngHeader): (() => Promise<Colors | undefined>) | undefined {
  const { cICP, iCCP, sRGB, gAMA, cHRM } = header.colors;
  const isGrey = header.colorType === GREY || header.colorType === GREY_ALPHA;
  const made = (icc: Uint8Array | undefined) => icc && (async () => ({ icc, isGrey }));
  if (cICP && cICP.length >= 4) return made(cicpProfile(cICP[0] as number, cICP[1] as number));
  if (iCCP) {
    return async () => {
      const icc = await inflatedProfile(iCCP);
      return icc && { icc, isGrey };
    };
  }
  if (sRGB) return undefined;
  return made(namedProfile(gAMA, cHRM));
}

/** A name, 0, the method, a zlib stream (section 11.3.2.3); undefined when it is damaged or too large. */
async function inflatedProfile(chunk: Uint8Array): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of inflate([chunk.subarray(chunk.indexOf(0) + 2)], false)) {
      bytes += piece.length;
      if (bytes > MAX_PROFILE_BYTES) return undefined;
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  const profile = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    profile.set(piece, at);
    at += piece.length;
  }
  return profile;
}

function namedProfile(gAMA: Uint8Array | undefined, cHRM: Uint8Array | undefined): Uint8Array | undefined {
  const [gamma = 0] = hundredThousandths(gAMA, 1);
  const points = hundredThousandths(cHRM, 8);
  const curve: Curve = gamma > 0.05 && Math.abs(gamma - 1 / 2.2) > GAMMA_TOLERANCE ? 1 / gamma : "sRGB";
  const primaries = points.length === 8 && points.every((v) => v >= 0 && v <= 1) ? primariesOf(points) : SRGB;
  if (curve === "sRGB" && isSrgb(primaries)) return undefined;
  return matrixProfile(primaries, curve);
}

function hundredThousandths(chunk: Uint8Array | undefined, count: number): number[] {
  if (!chunk || chunk.length < 4 * count) return [];
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Array.from({ length: count }, (_, i) => view.getUint32(4 * i) / 100_000);
}

function primariesOf(points: number[]): Primaries {
  const [white, red, green, blue] = [0, 2, 4, 6].map((i) => points.slice(i, i + 2) as [number, number]);
  return { white, red, green, blue } as Primaries;
}

function isSrgb(primaries: Primaries): boolean {
  const names = ["white", "red", "green", "blue"] as const;
  return names.every((name) =>
    primaries[name].every((v, i) => Math.abs(v - (SRGB[name][i] as number)) < PRIMARIES_TOLERANCE),
  );
}
