import type { Difference } from "./difference.ts";
import type { Forcing } from "./forcing.ts";

/** What is forced: given colours, and samples that go on from some of them with colours of their own. */
export interface Walk {
  /** [P] */
  given: Int32Array;
  /** In the order of `at`: after so many given colours, samples [B] of equally many colours each. */
  forks: readonly { at: number; samples: readonly Int32Array[] }[];
}

/** One position of one sequence. */
export interface Place {
  /** Which sequence: "given", or fork and sample. */
  sequence: string;
  color: number;
  /** [C] */
  logits: Float32Array;
}

/** Positions of one call. */
const ROW = 32;

/** Walks through all of it; the places' order depends on the walk alone. Releases `forcing`. */
export async function walk(forcing: Forcing, { given, forks }: Walk): Promise<Place[]> {
  const places: Place[] = [];
  const add = (sequence: string, color: number | undefined, logits: Float32Array, index: number, count: number) => {
    const size = logits.length / count;
    places.push({ sequence, color: color ?? -1, logits: logits.subarray(index * size, (index + 1) * size) });
  };
  const give = async (from: number, to: number) => {
    const colors = given.subarray(from, to);
    const logits = await forcing.given(colors);
    colors.forEach((color, i) => {
      add("given", color, logits, i, colors.length);
    });
  };
  let at = 0;
  for (const [f, fork] of forks.entries()) {
    await give(at, fork.at);
    at = fork.at;
    const running = forcing.fork(fork.samples.length);
    const length = fork.samples[0]?.length ?? 0;
    for (let start = 0; start < length; start += ROW) {
      const steps = Math.min(ROW, length - start);
      const colors = Int32Array.from({ length: fork.samples.length * steps }, (_, i) => {
        return fork.samples[Math.floor(i / steps)]?.[start + (i % steps)] ?? -1;
      });
      const logits = await running.row(colors);
      for (let step = 0; step < steps; step++) {
        fork.samples.forEach((sample, b) => {
          const index = step * fork.samples.length + b;
          add(`${f}/${b}`, sample[start + step], logits, index, colors.length);
        });
      }
    }
    running.release();
  }
  await give(at, given.length);
  forcing.release();
  return places;
}

/** Adds what two arithmetics made of one walk. */
export function addPlaces(
  difference: Difference,
  reference: readonly Place[],
  other: readonly Place[],
  prefix = "",
): void {
  if (reference.length !== other.length) throw new Error(`${reference.length} places, and ${other.length}`);
  reference.forEach(({ sequence, color, logits }, i) => {
    const place = other[i];
    if (place?.sequence !== sequence || place.color !== color) throw new Error(`place ${i} is of another walk`);
    difference.add(prefix + sequence, logits, place.logits, color);
  });
}
