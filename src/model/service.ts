/**
 * The model's whole surface to the resolvers. (Signatures first; the bodies follow.)
 *
 * Built once an isolate; every method may be called by many requests at once. Hold no memory lease (a decoded picture's)
 * while calling it: work waits for memory in one queue, and who waits must hold none.
 */
import type { EngineFactory } from "./engine-factory.ts";
import type {
  CompletionOptions,
  CompletionProgress,
  CompletionResult,
  CompletionSpec,
  Embedding,
  Likelihood,
  Model,
} from "./types.ts";
import type { MemoryBudget } from "../admission/budget.ts";

export interface ModelServiceOptions {
  bucket: R2Bucket;
  /** `() => engineFactory(env.ENGINE)` from `engines/index.ts`; called when a model is first wanted. */
  engine: () => Promise<EngineFactory>;
  /** The isolate's one budget, shared with the decoding of pictures. */
  budget: MemoryBudget;
  /** `waitUntil` of "cloudflare:workers" (it finds the request it is called in): keeps work alive until it is tidied up. */
  waitUntil: (work: Promise<unknown>) => void;
  /** Upper bound of `edgeSamples`; default 16. */
  maxEdgeSamples?: number;
}

export declare class ModelService {
  constructor(options: ModelServiceOptions);

  /** Current versions of all models that the index names. */
  models(): Promise<Model[]>;
  /** The current version of a model; of the default model when `id` is not given. @throws UserError MODEL_NOT_FOUND, MODEL_CORRUPT */
  model(id?: string | null): Promise<Model>;
  /** Checks the options of a completion and fills in defaults (and the seed). @throws UserError BAD_OPTION */
  plan(model: Model, samples: number, options?: CompletionOptions | null): CompletionSpec;

  /**
   * Runs a completion here, on the edge. Yields before the first row and after each; returns the samples.
   * Leaving the iteration early (`return()`), or aborting the signal, stops the work at the next row and frees its memory.
   * @param tokens [pixels] palette indices of the whole picture; those at pixels that are not given are ignored.
   * @throws UserError JOB_TOO_LARGE (more samples than `model.edgeSamples`), ORIGIN_UNAVAILABLE (`execution: ORIGIN`),
   *   BUSY, MODEL_CORRUPT; the signal's reason when aborted.
   */
  complete(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    signal?: AbortSignal,
  ): AsyncGenerator<CompletionProgress, CompletionResult, void>;
  /** The same without progress. */
  completed(model: Model, tokens: ArrayLike<number>, spec: CompletionSpec, signal?: AbortSignal): Promise<CompletionResult>;

  /** @param layer 0 .. layers; default `model.embeddingLayer`. @throws UserError BAD_OPTION, BUSY, MODEL_CORRUPT, JOB_TOO_LARGE */
  embed(model: Model, tokens: ArrayLike<number>, layer?: number | null, signal?: AbortSignal): Promise<Embedding>;
  /** Up to 64 pictures, one after another. @throws as `embed` */
  embedMany(
    model: Model,
    pictures: readonly ArrayLike<number>[],
    layer?: number | null,
    signal?: AbortSignal,
  ): Promise<Embedding[]>;
  likelihood(model: Model, tokens: ArrayLike<number>, signal?: AbortSignal): Promise<Likelihood>;
}
