/**
 * What fields cost, from their arguments and the side of their model's pictures. A point is about one row of one sample of a
 * 32x32 picture: 32 runs of the model. Estimates, not measurements: they keep the sum of several fields in proportion.
 */

export type Arguments = Record<string, unknown>;

/** Reading one picture: fetching, decoding, scaling. */
const PICTURE = 4;
/** Runs of the model, one a pixel, of a point. */
const POINT = 32;
/** Events of a job's subscription: one a chunk of its samples, and some. */
const JOB_EVENTS = 32;
/** How many samples a stored completion is taken to have: what it was asked for is not in the query. */
const STORED_SAMPLES = 16;

export interface RootCost {
  /** Of the work itself. Where only one field of an operation costs, that field's own limits judge it. */
  work(args: Arguments, side: number): number;
  /** How many entries `samples` below it has. */
  samples(args: Arguments): number;
  /** How often the fields below a subscription are answered. */
  events(args: Arguments, side: number): number;
}

const once = () => 1;
const plain: RootCost = { work: once, samples: once, events: once };

const complete: RootCost = {
  work: (args, side) => PICTURE + (samplesOf(args) * candidatesOf(args) * pixelsOf(args, side)) / POINT,
  samples: samplesOf,
  // Before the first row and after each one.
  events: (args, side) => Math.ceil(pixelsOf(args, side) / side) + 1,
};
/** One pass over all pixels at once is about a quarter of drawing them one by one. */
const read = (side: number) => PICTURE + side ** 2 / POINT / 4;
const reading: RootCost = { ...plain, work: (_, side) => read(side) };

const ROOT: Record<string, RootCost> = {
  complete,
  submitCompletion: { ...complete, work: (_, side) => read(side) },
  completion: { ...plain, samples: () => STORED_SAMPLES },
  cancelCompletion: { ...plain, samples: () => STORED_SAMPLES },
  completionProgress: { ...plain, samples: () => STORED_SAMPLES, events: () => JOB_EVENTS },
  embed: reading,
  likelihood: reading,
  embedMany: {
    ...plain,
    work: ({ images }, side) => read(side) * (Array.isArray(images) ? images.length : 1),
  },
};

/** The model that a field's arguments name; undefined: the default one. */
export function modelOf({ model, options }: Arguments): unknown {
  return model ?? (options as { model?: unknown } | null | undefined)?.model ?? undefined;
}

export function rootCost(field: string): RootCost {
  return ROOT[field] ?? plain;
}

/** Fields below the root that compute something each time they are asked for. */
export function fieldCost(field: string, { width }: Arguments): number {
  // An encoded PNG grows with its pixels: 1,024 x 1,024 take about as long as four rows.
  if (field === "dataUri") return (4 * Math.min(Number(width) || 0, 1024) ** 2) / 1024 ** 2;
  // Both store the picture.
  if (field === "url" || field === "id") return 0.1;
  return 0;
}

/** What isn't a sensible number is left to the resolver to refuse, and costs as little as can be. */
function samplesOf({ samples }: Arguments): number {
  return typeof samples === "number" && samples > 1 ? samples : 1;
}

/** Pixels to generate of a sample. */
function pixelsOf({ options }: Arguments, side: number): number {
  const { keep, keepRows } = (options ?? {}) as { keep?: unknown; keepRows?: unknown };
  if (Array.isArray(keep)) return keep.filter((given) => given !== true).length;
  const given = typeof keepRows === "number" ? Math.min(Math.max(keepRows, 0), side - 1) : side / 2;
  return (side - given) * side;
}

/** They count with masks alone: where rows are kept nothing given follows. */
function candidatesOf({ options }: Arguments): number {
  const { keep, candidates } = (options ?? {}) as { keep?: unknown; candidates?: unknown };
  return Array.isArray(keep) && typeof candidates === "number" && candidates > 1 ? candidates : 1;
}
