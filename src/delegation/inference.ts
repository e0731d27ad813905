/**
 * The model, wherever it runs: the edge's own service and the origins behind one surface, for the resolvers and for jobs.
 */
import type { UserError } from "../errors.ts";
import { edgeSamplesOf } from "../model/edge-plan.ts";
import type { ModelService } from "../model/service.ts";
import type {
  CompletionProgress,
  CompletionResult,
  CompletionSpec,
  Embedding,
  Likelihood,
  Model,
} from "../model/types.ts";
import { OriginFault } from "./fault.ts";
import { type SampleRange, spanOf } from "./graph/index.ts";
import { type OriginPool, unavailable } from "./pool.ts";
import { Remote } from "./remote.ts";
import { type Place, route } from "./route.ts";

export interface PlacedResult extends CompletionResult {
  ranOn: Place;
}

export interface InferenceOptions {
  models: ModelService;
  /** Asked for when first needed: a mistake in the list of origins must not take down what needs none. */
  origins: () => OriginPool;
  /** See RouteFacts.edgeBudget. */
  edgeBudget: number;
  /** How long a request waits for an origin, in milliseconds. */
  originWaitMs: number;
}

/** Samples of one call to an origin: a batch of the exported Triton configuration. */
const CALL_SAMPLES = 16;
/** The same while somebody watches: the progress comes in such parts. */
const WATCHED_SAMPLES = 4;

export class Inference {
  readonly #options: InferenceOptions;
  #remote: Remote | undefined;

  constructor(options: InferenceOptions) {
    this.#options = options;
  }

  /** How many origins there are. */
  get origins(): number {
    return this.#options.origins().size;
  }

  /** @throws UserError ORIGIN_UNAVAILABLE, JOB_TOO_LARGE */
  route(model: Model, spec: CompletionSpec): Place {
    return route(model, spec, { origins: this.origins > 0, edgeBudget: this.#options.edgeBudget });
  }

  /** Samples of a range by an origin, for a job: waits for its turn, without limit. @throws OriginFault */
  atOrigin(model: Model, tokens: ArrayLike<number>, spec: CompletionSpec, range: SampleRange, timeoutMs: number) {
    const call = () => this.#origin.complete(model, tokens, spec, range, timeoutMs);
    return this.#options.origins().inTurn(call);
  }

  /** @throws UserError, also ORIGIN_UNAVAILABLE when no origin answers in time; the signal's reason when aborted. */
  async completed(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    signal: AbortSignal,
  ): Promise<PlacedResult> {
    if (this.route(model, spec) === "EDGE") return this.#atEdge(model, tokens, spec, signal);
    try {
      const { originWaitMs } = this.#options;
      const calls = ranges(spec.samples, CALL_SAMPLES).map((range) =>
        this.#origin.complete(model, tokens, spec, range, originWaitMs, signal),
      );
      const parts = await Promise.all(calls);
      const engine = enginesOf(parts.map((part) => part.engine));
      return { samples: parts.flatMap(({ samples }) => samples), engine, ranOn: "ORIGIN" };
    } catch (error) {
      if (this.#mayFallBack(error, model, spec)) return this.#atEdge(model, tokens, spec, signal);
      throw told(error);
    }
  }

  /** The same with the pictures so far: after each row at the edge, after each few samples from an origin. */
  async *complete(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    signal: AbortSignal,
  ): AsyncGenerator<CompletionProgress, PlacedResult, void> {
    if (this.route(model, spec) === "ORIGIN") {
      try {
        return yield* this.#watchedOrigin(model, tokens, spec, signal);
      } catch (error) {
        if (!this.#mayFallBack(error, model, spec)) throw told(error);
      }
    }
    const result = yield* this.#options.models.complete(model, tokens, edgeSpec(spec), signal);
    return { ...result, ranOn: "EDGE" };
  }

  /**
   * One for each picture, or why there is none: an origin may do some and not the others.
   * @throws as ModelService.embed
   */
  async embed(
    model: Model,
    pictures: readonly ArrayLike<number>[],
    layer: number | null | undefined,
    signal: AbortSignal,
  ): Promise<(Embedding | UserError)[]> {
    if (!this.#readsAtOrigin(model)) return this.#options.models.embedMany(model, pictures, layer, signal);
    const found = await this.#origin.embed(model, pictures, layer, this.#options.originWaitMs, signal);
    return found.map((each) => (each instanceof OriginFault ? unavailable(each) : each));
  }

  /** @throws as ModelService.likelihood */
  async likelihood(model: Model, tokens: ArrayLike<number>, signal: AbortSignal): Promise<Likelihood> {
    if (!this.#readsAtOrigin(model)) return this.#options.models.likelihood(model, tokens, signal);
    return this.#origin.likelihood(model, tokens, this.#options.originWaitMs, signal).catch((error) => {
      throw told(error);
    });
  }

  async *#watchedOrigin(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    signal: AbortSignal,
  ): AsyncGenerator<CompletionProgress, PlacedResult, void> {
    const progress = new PartialPictures(spec, tokens, model.resolution);
    yield progress.now();
    const parts: CompletionResult[] = [];
    for (const range of ranges(spec.samples, WATCHED_SAMPLES)) {
      const part = await this.#origin.complete(model, tokens, spec, range, this.#options.originWaitMs, signal);
      parts.push(part);
      for (const { index, tokens } of part.samples) progress.put(index, tokens);
      yield progress.now();
    }
    const samples = parts.flatMap((part) => part.samples);
    return { samples, engine: enginesOf(parts.map(({ engine }) => engine)), ranOn: "ORIGIN" };
  }

  async #atEdge(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    signal: AbortSignal,
  ): Promise<PlacedResult> {
    const result = await this.#options.models.completed(model, tokens, edgeSpec(spec), signal);
    return { ...result, ranOn: "EDGE" };
  }

  /** Where the choice was ours, what no origin does the edge does, if it can. */
  #mayFallBack(error: unknown, model: Model, spec: CompletionSpec): boolean {
    const fits = spec.samples <= edgeSamplesOf(model, spec);
    return error instanceof OriginFault && spec.execution === "AUTO" && fits;
  }

  #readsAtOrigin(model: Model): boolean {
    return model.edgeSamples === 0 && this.origins > 0;
  }

  get #origin(): Remote {
    this.#remote ??= new Remote(this.#options.origins());
    return this.#remote;
  }
}

/** Sample indices in parts of about `most`, as even as can be. */
export function ranges(samples: number, most: number): SampleRange[] {
  const parts = Math.ceil(samples / most);
  const border = (i: number) => Math.floor((i * samples) / parts);
  return Array.from({ length: parts }, (_, i) => ({ first: border(i), count: border(i + 1) - border(i) }));
}

/** One name if one arithmetic made all; else all their names. */
export function enginesOf(names: readonly string[]): string {
  return [...new Set(names)].join("+");
}

/** The pictures so far when they come whole, a few samples at a time. */
export class PartialPictures {
  readonly #samples: Int32Array[];
  readonly #rows: number;
  #done = 0;

  constructor({ keep, samples }: CompletionSpec, tokens: ArrayLike<number>, side: number) {
    const given = Int32Array.from(tokens, (token, pixel) => (keep[pixel] ? token : -1));
    const { start, end } = spanOf(keep);
    this.#samples = Array.from({ length: samples }, () => given);
    this.#rows = Math.ceil(end / side) - Math.floor(start / side);
  }

  put(index: number, tokens: Int32Array): void {
    this.#samples[index] = tokens;
    this.#done++;
  }

  /** A row counts as done when it would be, were the samples made side by side. */
  now(): CompletionProgress {
    const rowsDone = Math.floor((this.#rows * this.#done) / this.#samples.length);
    return { rowsDone, rowsTotal: this.#rows, samples: [...this.#samples] };
  }
}

/** The edge's service knows no origins: it is told what has been decided. */
function edgeSpec(spec: CompletionSpec): CompletionSpec {
  return { ...spec, execution: "EDGE" };
}

function told(error: unknown): unknown {
  return error instanceof OriginFault ? unavailable(error) : error;
}
