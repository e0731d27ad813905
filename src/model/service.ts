/**
 * The model's whole surface to the resolvers: palette tokens in, palette tokens and numbers out.
 *
 * Built once an isolate; every method may be called by many requests at once. Hold no memory lease (a decoded picture's)
 * while calling it: work waits for memory in one queue, and who waits must hold none.
 */
import type { MemoryBudget } from "../admission/budget.ts";
import { UserError } from "../errors.ts";
import type { Turns } from "../scheduling/turns.ts";
import type { Manifest } from "./bundle/manifest.ts";
import { ModelRepository } from "./bundle/repository.ts";
import { mostPositions } from "./candidates/lineage.ts";
import { complete } from "./complete.ts";
import { type EdgeLimits, edgeLimit, edgePlan, edgeSamplesOf } from "./edge-plan.ts";
import { embed } from "./embed.ts";
import type { EngineFactory } from "./engine-factory.ts";
import { likelihood } from "./likelihood.ts";
import { completionSpec, featureLayer, MAX_PICTURES } from "./options.ts";
import { EnginePool } from "./pool/engine-pool.ts";
import type { Session } from "./session.ts";
import type {
  CompletionOptions,
  CompletionProgress,
  CompletionResult,
  CompletionSpec,
  Embedding,
  Likelihood,
  Model,
} from "./types.ts";

export interface ModelServiceOptions {
  bucket: R2Bucket;
  /** `() => engineFactory(env.ENGINE)` from `engines/index.ts`; called when a model is first wanted. */
  engine: () => Promise<EngineFactory>;
  /** The isolate's one budget, shared with the decoding of pictures. */
  budget: MemoryBudget;
  /** The isolate's one row of turns, shared with the decoding of pictures. Default: its own. */
  turns?: Turns;
  /**
   * `waitUntil` of "cloudflare:workers", which finds the request it is called in. A request whose client disconnects
   * then lives on until it has seen its signal and tidied up; without, it would end in the middle of an await.
   */
  waitUntil: (work: Promise<unknown>) => void;
  /** Upper bound of `edgeSamples`. Default 16. */
  maxEdgeSamples?: number;
  /** Bytes that batches of samples leave free for decoding pictures. Default 16 MiB. */
  reserve?: number;
}

export class ModelService {
  readonly #options: ModelServiceOptions;
  readonly #repository: ModelRepository;
  readonly #pool: EnginePool;
  readonly #limits: EdgeLimits;

  constructor(options: ModelServiceOptions) {
    this.#options = options;
    this.#repository = new ModelRepository(options.bucket);
    this.#pool = new EnginePool({
      budget: options.budget,
      turns: options.turns,
      engine: options.engine,
      files: (manifest, onProgress) => this.#repository.files(manifest, onProgress),
      waitUntil: options.waitUntil,
    });
    this.#limits = {
      capacity: options.budget.capacity,
      reserve: options.reserve ?? 16 * 2 ** 20,
      maxSamples: options.maxEdgeSamples ?? 16,
    };
  }

  /** Current versions of all models that the index names; one whose bundle is damaged or missing is left out. */
  async models(): Promise<Model[]> {
    const index = await this.#repository.index();
    const found = await Promise.allSettled(Object.keys(index.models).map((id) => this.model(id)));
    return found.flatMap((result) => {
      if (result.status === "fulfilled") return [result.value];
      if (result.reason instanceof UserError) return [];
      throw result.reason;
    });
  }

  /** The current version of a model; of the default model when `id` is not given. @throws UserError MODEL_NOT_FOUND, MODEL_CORRUPT */
  async model(id?: string | null): Promise<Model> {
    const manifest = await this.#repository.current(id);
    this.#pool.setCurrent(manifest.id, manifest.version);
    return this.#describe(manifest);
  }

  /** One version of a model, whether or not it is the current one. @throws UserError MODEL_NOT_FOUND, MODEL_CORRUPT */
  async version(id: string, version: string): Promise<Model> {
    return this.#describe(await this.#repository.manifest(id, version));
  }

  /** Checks the options of a completion and fills in defaults (and the seed). @throws UserError BAD_OPTION */
  plan(model: Model, samples: number, options?: CompletionOptions | null): CompletionSpec {
    return completionSpec(model, samples, options);
  }

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
  ): AsyncGenerator<CompletionProgress, CompletionResult, void> {
    return this.#complete(model, tokens, spec, { signal, watched: true });
  }

  /** @param watched whether each row is to be sent before the next one is begun */
  async *#complete(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    { signal, watched }: { signal: AbortSignal | undefined; watched: boolean },
  ): AsyncGenerator<CompletionProgress, CompletionResult, void> {
    assertEdge(model, spec);
    const picture = checkedTokens(model, tokens);
    const given = spec.keep.indexOf(false);
    const { candidates = 1 } = spec;
    const filtered = candidates > 1;
    const batch = filtered ? candidates : Math.min(spec.samples, await this.#batch(model.manifest, given));
    const own = filtered ? { own: mostPositions(candidates, given, picture.length) } : {};
    const finished = this.#keepAlive();
    try {
      const session = await this.#pool.open(model.manifest, { samples: batch, given, ...own }, signal);
      try {
        const rows = complete(session, spec, picture, batch, model.manifest.palette);
        for (let step = await rows.next(); ; step = await rows.next()) {
          if (step.done) return step.value;
          if (watched) session.flush();
          yield step.value;
        }
      } finally {
        session.release();
      }
    } finally {
      finished();
    }
  }

  /** The same without progress. */
  async completed(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    signal?: AbortSignal,
  ): Promise<CompletionResult> {
    const rows = this.#complete(model, tokens, spec, { signal, watched: false });
    for (;;) {
      const step = await rows.next();
      if (step.done) return step.value;
    }
  }

  /** @param layer 0 .. layers; default `model.embeddingLayer`. @throws UserError BAD_OPTION, BUSY, MODEL_CORRUPT, JOB_TOO_LARGE */
  async embed(
    model: Model,
    tokens: ArrayLike<number>,
    layer?: number | null,
    signal?: AbortSignal,
  ): Promise<Embedding> {
    const chosen = featureLayer(model, layer);
    const picture = checkedTokens(model, tokens);
    return this.#prefixOnly(model, signal, (session) => embed(session, picture, chosen));
  }

  /** Up to 64 pictures, one after another. @throws as `embed` */
  async embedMany(
    model: Model,
    pictures: readonly ArrayLike<number>[],
    layer?: number | null,
    signal?: AbortSignal,
  ): Promise<Embedding[]> {
    if (pictures.length < 1 || pictures.length > MAX_PICTURES) {
      throw new UserError(
        "BAD_OPTION",
        `images must be 1 to ${MAX_PICTURES} pictures; split more over several requests.`,
      );
    }
    const chosen = featureLayer(model, layer);
    const checked = pictures.map((tokens) => checkedTokens(model, tokens));
    return this.#prefixOnly(model, signal, async (session) => {
      const embeddings: Embedding[] = [];
      for (const picture of checked) embeddings.push(await embed(session, picture, chosen));
      return embeddings;
    });
  }

  /** @throws UserError BUSY, MODEL_CORRUPT, JOB_TOO_LARGE */
  async likelihood(model: Model, tokens: ArrayLike<number>, signal?: AbortSignal): Promise<Likelihood> {
    const picture = checkedTokens(model, tokens);
    return this.#prefixOnly(model, signal, (session) => likelihood(session, picture));
  }

  async #prefixOnly<T>(
    model: Model,
    signal: AbortSignal | undefined,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    if (model.edgeSamples === 0) throw tooLargeForEdge(model);
    const finished = this.#keepAlive();
    try {
      const session = await this.#pool.open(model.manifest, { samples: 0 }, signal);
      try {
        return await work(session);
      } finally {
        session.release();
      }
    } finally {
      finished();
    }
  }

  /** Keeps the calling request alive until the returned function is called. */
  #keepAlive(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.waitUntil(promise);
    return resolve;
  }

  async #batch(manifest: Manifest, given: number): Promise<number> {
    const factory = await this.#options.engine();
    return edgePlan(manifest, factory, this.#limits, given).batch;
  }

  async #describe(manifest: Manifest): Promise<Model> {
    const factory = await this.#options.engine();
    const { testNllPerPixel } = manifest.metrics;
    const { layers, width, heads, resolution, colors } = manifest.architecture;
    const { edgeSamples, edgeCandidates } = edgePlan(manifest, factory, this.#limits);
    return {
      ...{ id: manifest.id, version: manifest.version, parameters: manifest.parameters },
      ...{ layers, width, heads, resolution, colors },
      embeddingLayer: manifest.embeddingLayer,
      ...{ edgeSamples, edgeCandidates },
      testNllPerPixel: typeof testNllPerPixel === "number" ? testNllPerPixel : null,
      recommended: manifest.sampling ?? null,
      manifest,
    };
  }
}

function assertEdge(model: Model, spec: CompletionSpec): void {
  if (spec.execution === "ORIGIN") {
    throw new UserError("ORIGIN_UNAVAILABLE", "No origin is configured here: use execution AUTO or EDGE.");
  }
  if (spec.samples <= edgeSamplesOf(model, spec)) return;
  if (model.edgeSamples === 0) throw tooLargeForEdge(model);
  throw new UserError("JOB_TOO_LARGE", `${edgeLimit(model, spec)}: ask for fewer.`);
}

function tooLargeForEdge(model: Model): UserError {
  return new UserError(
    "JOB_TOO_LARGE",
    `${model.id} is too large for the edge: use a model whose edgeSamples is above 0.`,
  );
}

/** @throws RangeError: a caller that got tokens wrong is a bug, not a user's mistake. */
function checkedTokens({ resolution, colors }: Model, tokens: ArrayLike<number>): Int32Array {
  if (tokens.length !== resolution ** 2) throw new RangeError(`${tokens.length} tokens for ${resolution ** 2} pixels`);
  const checked = Int32Array.from(tokens);
  if (checked.some((token) => token < 0 || token >= colors)) throw new RangeError("a token is not in the palette");
  return checked;
}
