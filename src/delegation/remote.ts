/** Completions, embeddings and likelihoods by an origin. */
import type { Row, RowResult } from "../model/engine.ts";
import { featureLayer, generatedPixels } from "../model/options.ts";
import type { CompletedSample, CompletionSpec, Embedding, Likelihood, Model } from "../model/types.ts";
import { OriginFault } from "./fault.ts";
import { filteredStepwise } from "./filtered.ts";
import {
  CANDIDATES,
  candidateInputs,
  completedSamples,
  completionInputs,
  embeddings,
  likelihoodOf,
  readingInputs,
  type SampleRange,
  stepInputs,
  stepResult,
} from "./graph/index.ts";
import type { OriginPool } from "./pool.ts";
import type { InferResponse } from "./protocol/index.ts";

export interface RemoteSamples {
  samples: CompletedSample[];
  /** As the origin names its arithmetic; "onnx" for a server that does not say: it runs the graph. */
  engine: string;
}

/** Candidates of one call's samples, all together: what a processor does well within the time that a request waits. */
const CANDIDATES_A_CALL = 64;
/** Pictures of one call: their features come back for all layers. */
const READINGS_A_CALL = 16;

export class Remote {
  readonly #pool: OriginPool;

  constructor(pool: OriginPool) {
    this.#pool = pool;
  }

  /**
   * Samples of a range, in one call; with candidates one after another, each in a call a step.
   * @param timeoutMs of each call
   * @throws OriginFault; the signal's reason when aborted.
   */
  async complete(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    range: SampleRange,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RemoteSamples> {
    if ((spec.candidates ?? 1) > 1) return this.#filtered(model, tokens, spec, range, timeoutMs, signal);
    const call = { ...name(model), inputs: completionInputs(spec, tokens, range), outputs: ["samples", "nll"] };
    const check = (answer: InferResponse) => ({
      samples: completedSamples(answer.outputs, model, spec, tokens, range),
      engine: engineOf(answer),
    });
    return this.#pool.infer(call, check, timeoutMs, signal);
  }

  /** By servers that know candidates; where none does, by ones that know the graph alone. */
  async #filtered(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    range: SampleRange,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RemoteSamples> {
    if (!(await this.#pool.has(CANDIDATES, signal)))
      return this.#stepwise(model, tokens, spec, range, timeoutMs, signal);
    const most = Math.max(1, Math.floor(CANDIDATES_A_CALL / (spec.candidates ?? 1)));
    const parts = await Promise.all(
      cut(range, most).map((part) => {
        const inputs = candidateInputs(spec, tokens, part, model.resolution);
        const call = { ...name(model), inputs, outputs: ["samples", "nll"], extension: CANDIDATES };
        const check = (answer: InferResponse) => ({
          samples: completedSamples(answer.outputs, model, spec, tokens, part),
          engine: engineOf(answer),
        });
        return this.#pool.infer(call, check, timeoutMs, signal);
      }),
    );
    return {
      samples: parts.flatMap(({ samples }) => samples),
      engine: [...new Set(parts.map(({ engine }) => engine))].join("+"),
    };
  }

  async #stepwise(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    { first, count }: SampleRange,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RemoteSamples> {
    const samples: CompletedSample[] = [];
    const engines = new Set<string>();
    const infer = async (pictures: readonly Int32Array[], position: number, row: Row): Promise<RowResult> => {
      const inputs = stepInputs(pictures, position, row, spec.sampling);
      const check = (answer: InferResponse) => ({
        result: stepResult(answer.outputs, model, row, pictures.length),
        engine: engineOf(answer),
      });
      const call = { ...name(model), inputs, outputs: ["samples", "nll"] };
      const { result, engine } = await this.#pool.infer(call, check, timeoutMs, signal);
      engines.add(engine);
      return result;
    };
    const { palette } = model.manifest;
    const { candidates = 1, seed, keep } = spec;
    const picture = Int32Array.from(tokens);
    for (let sample = first; sample < first + count; sample++) {
      const options = { candidates, seed, sample, keep, side: model.resolution, tokens: picture, palette };
      const { tokens: finished, nats } = (await filteredStepwise(options, infer)).finished();
      samples.push({
        index: sample,
        tokens: finished,
        nllPerPixel: nats / generatedPixels({ ...spec, samples: 1, candidates: 1 }),
      });
    }
    return { samples, engine: [...engines].join("+") };
  }

  /**
   * One for each picture, or the fault of the call that it was in: that takes nothing from the other calls.
   * @throws UserError BAD_OPTION; the signal's reason when aborted.
   */
  async embed(
    model: Model,
    pictures: readonly ArrayLike<number>[],
    layer: number | null | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<(Embedding | OriginFault)[]> {
    const chosen = featureLayer(model, layer);
    const found: (Embedding | OriginFault)[] = [];
    let last: OriginFault | undefined;
    for (let at = 0; at < pictures.length; at += READINGS_A_CALL) {
      const part = pictures.slice(at, at + READINGS_A_CALL);
      const call = { ...name(model), inputs: readingInputs(part), outputs: ["features"] };
      const check = ({ outputs }: InferResponse) => embeddings(outputs, model, part.length, chosen);
      try {
        // Who has waited all the time that there is does not wait again.
        if (last?.kind === "slow" || last?.kind === "busy") throw last;
        found.push(...(await this.#pool.infer(call, check, timeoutMs, signal)));
      } catch (error) {
        if (!(error instanceof OriginFault)) throw error;
        last = error;
        for (const _ of part) found.push(error);
      }
    }
    return found;
  }

  /** @throws OriginFault; the signal's reason when aborted. */
  likelihood(model: Model, tokens: ArrayLike<number>, timeoutMs: number, signal?: AbortSignal): Promise<Likelihood> {
    const call = { ...name(model), inputs: readingInputs([tokens]), outputs: ["prefix_nll"] };
    return this.#pool.infer(call, ({ outputs }) => likelihoodOf(outputs, tokens.length), timeoutMs, signal);
  }
}

function name({ id, version }: Model): { model: string; version: string } {
  return { model: id, version };
}

/** What a stranger writes there is shown and stored: a plain word or nothing. */
function engineOf({ parameters }: InferResponse): string {
  const { engine } = parameters;
  return typeof engine === "string" && /^[a-z0-9][a-z0-9-]{0,30}$/.test(engine) ? engine : "onnx";
}

/** A range in parts of at most `most`. */
function cut({ first, count }: SampleRange, most: number): SampleRange[] {
  const parts: SampleRange[] = [];
  for (let at = 0; at < count; at += most) parts.push({ first: first + at, count: Math.min(most, count - at) });
  return parts;
}
