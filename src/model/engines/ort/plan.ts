/** Bytes that onnxruntime-web takes for a model: upper bounds, held against what really runs in `engine.test.ts`. */
import { type ModelShape, PREFIX_CHUNK } from "../../engine.ts";
import { bytesPerPosition } from "./cache.ts";

const MIB = 2 ** 20;
const PAGE = 2 ** 16;
/** Code, stacks and the runtime's own data in the linear memory. */
const RUNTIME = 6 * MIB;
/** What the caches of one run may take, when they are of more than one sample: the others have their own run. */
const GROUP_BYTES = 16 * MIB;
/** Feeds, results and glue in JS, beside the caches, while a run is under way. */
const RUN_MARGIN = 4 * MIB;

/** All weights as the engine holds them: float32. `bias` as in the manifest's architecture. */
export function floatWeightBytes(shape: ModelShape, bias = false): number {
  const { layers, width, positions, colors } = shape;
  const perLayer = 12 * width ** 2 + 2 * width + (bias ? 9 * width : 0);
  return 4 * (layers * perLayer + (2 * colors + positions + 2) * width);
}

/**
 * The linear memory of an engine, taken when it loads and not exceeded: the float weights, beside them the larger of the
 * file's int8 ones (while loading) and of one run, since runs come one after another.
 */
export function heapBytes(shape: ModelShape, bias = false): number {
  const weights = floatWeightBytes(shape, bias);
  const bytes = RUNTIME + weights + Math.max(weights / 4, runBytes(shape));
  return Math.ceil(bytes / PAGE) * PAGE;
}

/** Samples that are run at once after a prefix of so many positions: never fewer than one. */
export function groupSize(shape: ModelShape, prefixLength: number): number {
  const room = Math.floor(GROUP_BYTES / bytesPerPosition(shape)) - prefixLength;
  return Math.max(1, Math.floor(room / Math.max(1, shape.positions - prefixLength)));
}

/** What a request for `samples` samples adds (0 = prefix only): its caches for a whole picture, in JS. */
export function requestBytes(shape: ModelShape, samples: number): number {
  return Math.max(1, samples) * bytesPerPosition(shape) * shape.positions + RUN_MARGIN;
}

/** Copies of the caches, and the scores of a chunk of the prefix before and after the softmax. */
function runBytes(shape: ModelShape): number {
  const picture = bytesPerPosition(shape) * shape.positions;
  const scores = 4 * shape.heads * PREFIX_CHUNK * shape.positions;
  return Math.max(GROUP_BYTES, picture) + 4 * scores;
}
