/** What the session's map needs of linear algebra: cosine similarity and the first two principal components. */

export type Vector = readonly number[];

export interface Place {
  x: number;
  y: number;
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** In [-1, 1]; 0 if a vector has no length. */
export function cosine(a: Vector, b: Vector): number {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths === 0 ? 0 : dot(a, b) / lengths;
}

/** The other vectors by cosine similarity to vectors[from], nearest first. */
export function neighbours(vectors: readonly Vector[], from: number): { index: number; similarity: number }[] {
  const origin = vectors[from];
  if (!origin) return [];
  return vectors
    .map((vector, index) => ({ index, similarity: cosine(origin, vector) }))
    .filter(({ index }) => index !== from)
    .sort((a, b) => b.similarity - a.similarity);
}

/**
 * Coordinates on the first two principal components, each scaled to [0, 1] (0.5 where there is no spread). They are the
 * leading eigenvectors of the centred n x n Gram matrix, by power iteration: n, the session's pictures, is small.
 */
export function project(vectors: readonly Vector[]): Place[] {
  const width = vectors[0]?.length ?? 0;
  const mean = Array.from(
    { length: width },
    (_, i) => vectors.reduce((sum, vector) => sum + (vector[i] ?? 0), 0) / vectors.length,
  );
  const centred = vectors.map((vector) => vector.map((value, i) => value - (mean[i] ?? 0)));
  const gram = centred.map((a) => centred.map((b) => dot(a, b)));
  const first = leading(gram);
  const deflated = gram.map((row, i) =>
    row.map((value, j) => value - first.value * (first.vector[i] ?? 0) * (first.vector[j] ?? 0)),
  );
  const second = leading(deflated);
  const [xs, ys] = [unitRange(first.vector), unitRange(second.vector)];
  return vectors.map((_, i) => ({ x: xs[i] ?? 0.5, y: ys[i] ?? 0.5 }));
}

function leading(matrix: readonly Vector[]): { value: number; vector: number[] } {
  let vector = matrix.map((_, i) => Math.sin(i + 1)); // any start that is not orthogonal to the answer
  let value = 0;
  for (let step = 0; step < 200; step++) {
    const next = matrix.map((row) => dot(row, vector));
    value = Math.sqrt(dot(next, next));
    if (value < 1e-12) return { value: 0, vector: matrix.map(() => 0) };
    vector = next.map((x) => x / value);
  }
  return { value, vector };
}

function unitRange(values: Vector): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (high - low < 1e-9 ? 0.5 : (value - low) / (high - low)));
}

/**
 * Moves places apart, a little at a time, until no two boxes of the given size overlap or `steps` are used up; they stay
 * within [0, 1]. What lies near stays near.
 */
export function spread(places: readonly Place[], box: Place, steps = 100): Place[] {
  const moved = places.map((place) => ({ ...place }));
  for (let step = 0; step < steps; step++) {
    let overlaps = false;
    for (const [i, a] of moved.entries()) {
      for (const b of moved.slice(i + 1)) overlaps = pushApart(a, b, box) || overlaps;
    }
    if (!overlaps) break;
  }
  return moved;
}

/** Along the axis on which less is needed. */
function pushApart(a: Place, b: Place, box: Place): boolean {
  const missing = { x: box.x - Math.abs(a.x - b.x), y: box.y - Math.abs(a.y - b.y) };
  if (missing.x <= 1e-6 || missing.y <= 1e-6) return false;
  const axis = missing.x / box.x < missing.y / box.y ? "x" : "y";
  const push = (missing[axis] / 2) * (a[axis] <= b[axis] ? 1 : -1);
  a[axis] = Math.min(1, Math.max(0, a[axis] - push));
  b[axis] = Math.min(1, Math.max(0, b[axis] + push));
  return true;
}
