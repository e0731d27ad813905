/**
 * What fields cost, from their arguments. A point is about one row of one sample: 32 runs of the model.
 * Estimates, not measurements: they keep the sum of several fields in proportion.
 */

export type Arguments = Record<string, unknown>;

/** Reading one picture: fetching, decoding, scaling. */
const PICTURE = 4;
/** One pass over all pixels at once: about a quarter of drawing them one by one. */
const READING = 8;
const ROWS = 32;
const DEFAULT_KEEP_ROWS = 16;
/** How many samples a stored completion is taken to have: what it was asked for is not in the query. */
const STORED_SAMPLES = 16;

export interface RootCost {
  /** Of the work itself. Where only one field of an operation costs, that field's own limits judge it. */
  work(args: Arguments): number;
  /** How many entries `samples` below it has. */
  samples(args: Arguments): number;
  /** How often the fields below a subscription are answered. */
  events(args: Arguments): number;
}

const once = () => 1;
const plain: RootCost = { work: once, samples: once, events: once };

const complete: RootCost = {
  work: (args) => PICTURE + samplesOf(args) * candidatesOf(args) * rowsOf(args),
  samples: samplesOf,
  // Before the first row and after each one.
  events: (args) => rowsOf(args) + 1,
};
const reading: RootCost = { ...plain, work: () => PICTURE + READING };

const ROOT: Record<string, RootCost> = {
  complete,
  submitCompletion: { ...complete, work: () => PICTURE + READING },
  completion: { ...plain, samples: () => STORED_SAMPLES },
  cancelCompletion: { ...plain, samples: () => STORED_SAMPLES },
  completionProgress: { ...plain, samples: () => STORED_SAMPLES, events: () => ROWS },
  embed: reading,
  likelihood: reading,
  embedMany: {
    ...plain,
    work: ({ images }) => (PICTURE + READING) * (Array.isArray(images) ? images.length : 1),
  },
};

export function rootCost(field: string): RootCost {
  return ROOT[field] ?? plain;
}

/** Fields below the root that compute something each time they are asked for. */
export function fieldCost(field: string, { width }: Arguments): number {
  // An encoded PNG grows with its pixels: 1,024 x 1,024 take about as long as four rows.
  if (field === "dataUri") return (4 * Math.min(Number(width) || ROWS, 1024) ** 2) / 1024 ** 2;
  // Both store the picture.
  if (field === "url" || field === "id") return 0.1;
  return 0;
}

/** What isn't a sensible number is left to the resolver to refuse, and costs as little as can be. */
function samplesOf({ samples }: Arguments): number {
  return typeof samples === "number" && samples > 1 ? samples : 1;
}

/** Rows to generate. */
function rowsOf({ options }: Arguments): number {
  const { keep, keepRows } = (options ?? {}) as { keep?: unknown; keepRows?: unknown };
  if (Array.isArray(keep)) return Math.ceil(keep.filter((given) => given !== true).length / ROWS);
  const given = typeof keepRows === "number" ? Math.min(Math.max(keepRows, 0), ROWS - 1) : DEFAULT_KEEP_ROWS;
  return ROWS - given;
}

/** They count with masks alone: where rows are kept nothing given follows. */
function candidatesOf({ options }: Arguments): number {
  const { keep, candidates } = (options ?? {}) as { keep?: unknown; candidates?: unknown };
  return Array.isArray(keep) && typeof candidates === "number" && candidates > 1 ? candidates : 1;
}
