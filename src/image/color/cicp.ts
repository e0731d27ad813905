import { type Curve, matrixProfile, type Primaries, SRGB } from "./matrix-profile.ts";

const P3 = { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06] } satisfies Omit<Primaries, "white">;

/** Rec. ITU-T H.273, table 2; BT.709's are sRGB's. */
const PRIMARIES: Record<number, Primaries> = {
  4: { white: [0.31, 0.316], red: [0.67, 0.33], green: [0.21, 0.71], blue: [0.14, 0.08] },
  5: { ...SRGB, green: [0.29, 0.6] },
  6: { ...SRGB, red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07] },
  7: { ...SRGB, red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07] },
  9: { ...SRGB, red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046] },
  11: { white: [0.314, 0.351], ...P3 },
  12: { white: SRGB.white, ...P3 },
};

/**
 * Table 3's powers. All others are taken for sRGB's curve: browsers do so with video's (BT.709, 601, 2020), which are meant
 * for the same screens. PQ and HLG (16 and 18), which need a tone mapping, are shown as they stand.
 */
const POWERS: Record<number, number> = { 4: 2.2, 5: 2.8, 8: 1 };

/** A profile for colours named by their code points; undefined for sRGB's, and for those that say nothing. */
export function cicpProfile(primaries: number, transfer: number): Uint8Array | undefined {
  const curve: Curve = POWERS[transfer] ?? "sRGB";
  const named = PRIMARIES[primaries];
  if (transfer === 16 || transfer === 18 || (!named && curve === "sRGB")) return undefined;
  return matrixProfile(named ?? SRGB, curve);
}
