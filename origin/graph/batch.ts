/** What an engine is given and gives back: `igpt.onnx`'s tensors (docs/tensors.md) as flat arrays that can be sent to a thread. */

/** B rows; each is a request's sample. P given colours, R positions to generate. All row-major. */
export interface GraphBatch {
  /** B */
  rows: number;
  /** P */
  given: number;
  /** R */
  generate: number;
  /** [B, P] palette indices. */
  tokens: Int32Array;
  /** [B, R] a palette index to force, -1 to sample. */
  forced: Int32Array;
  /** [B, R] in [0, 1). */
  uniforms: Float32Array;
  /** [B] */
  temperature: Float32Array;
  /** [B]; 0 = off. */
  topK: Int32Array;
  /** [B]; 1 = off. */
  topP: Float32Array;
  /** Each row is one sample, to be chosen from candidates; `uniforms` do not count then. */
  filter?: BatchFilter;
}

/** [B] each. */
export interface BatchFilter {
  candidates: Int32Array;
  seed: Int32Array;
  /** The samples' indices. */
  sample: Int32Array;
}

export interface GraphResult {
  /** [B, R] */
  samples: Int32Array;
  /** [B, R] nats. */
  nll: Float32Array;
  /** [B, P] nats. */
  prefixNll: Float32Array;
  /** [B, layers + 1, width] */
  features: Float32Array;
}

/** Rows may run together when they are of one length. */
export function shapeKey({ given, generate, filter }: GraphBatch): string {
  return `${given}+${generate}${filter ? " filtered" : ""}`;
}

/** Rows `from` .. `to` - 1. */
export function sliceBatch(batch: GraphBatch, from: number, to: number): GraphBatch {
  const { given, generate, filter } = batch;
  return {
    rows: to - from,
    given,
    generate,
    tokens: batch.tokens.slice(from * given, to * given),
    forced: batch.forced.slice(from * generate, to * generate),
    uniforms: batch.uniforms.slice(from * generate, to * generate),
    temperature: batch.temperature.slice(from, to),
    topK: batch.topK.slice(from, to),
    topP: batch.topP.slice(from, to),
    ...(filter && { filter: mapFilter((name) => filter[name].slice(from, to)) }),
  };
}

/** Batches of one shape, one after another. @param batches at least one */
export function joinBatches(batches: readonly GraphBatch[]): GraphBatch {
  const [first] = batches;
  if (!first) throw new RangeError("no batches to join");
  return {
    rows: batches.reduce((sum, { rows }) => sum + rows, 0),
    given: first.given,
    generate: first.generate,
    tokens: joinInts(batches.map(({ tokens }) => tokens)),
    forced: joinInts(batches.map(({ forced }) => forced)),
    uniforms: joinFloats(batches.map(({ uniforms }) => uniforms)),
    temperature: joinFloats(batches.map(({ temperature }) => temperature)),
    topK: joinInts(batches.map(({ topK }) => topK)),
    topP: joinFloats(batches.map(({ topP }) => topP)),
    ...(first.filter && {
      filter: mapFilter((name) => joinInts(batches.flatMap(({ filter }) => (filter ? [filter[name]] : [])))),
    }),
  };
}

function mapFilter(of: (name: keyof BatchFilter) => Int32Array): BatchFilter {
  return { candidates: of("candidates"), seed: of("seed"), sample: of("sample") };
}

/** Rows `from` .. `to` - 1 of a result of `rows` rows. */
export function sliceResult(result: GraphResult, rows: number, from: number, to: number): GraphResult {
  const part = <T extends Int32Array | Float32Array>(array: T): T => {
    const width = array.length / rows;
    return array.slice(from * width, to * width) as T;
  };
  return {
    samples: part(result.samples),
    nll: part(result.nll),
    prefixNll: part(result.prefixNll),
    features: part(result.features),
  };
}

export function joinResults(results: readonly GraphResult[]): GraphResult {
  return {
    samples: joinInts(results.map(({ samples }) => samples)),
    nll: joinFloats(results.map(({ nll }) => nll)),
    prefixNll: joinFloats(results.map(({ prefixNll }) => prefixNll)),
    features: joinFloats(results.map(({ features }) => features)),
  };
}

function joinInts(parts: readonly Int32Array[]): Int32Array {
  return join(parts, (length) => new Int32Array(length));
}

function joinFloats(parts: readonly Float32Array[]): Float32Array {
  return join(parts, (length) => new Float32Array(length));
}

function join<T extends Int32Array | Float32Array>(parts: readonly T[], make: (length: number) => T): T {
  const whole = make(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
