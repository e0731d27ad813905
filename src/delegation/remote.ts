/** Completions, embeddings and likelihoods by an origin. */
import { featureLayer } from "../model/options.ts";
import type { CompletedSample, CompletionSpec, Embedding, Likelihood, Model } from "../model/types.ts";
import {
  completedSamples,
  completionInputs,
  embeddings,
  likelihoodOf,
  readingInputs,
  type SampleRange,
} from "./graph/index.ts";
import type { OriginPool } from "./pool.ts";
import type { InferResponse } from "./protocol/index.ts";

export interface RemoteSamples {
  samples: CompletedSample[];
  /** As the origin names its arithmetic; "onnx" for a server that does not say: it runs the graph. */
  engine: string;
}

/** Pictures of one call: their features come back for all layers. */
const READINGS_A_CALL = 16;

export class Remote {
  readonly #pool: OriginPool;

  constructor(pool: OriginPool) {
    this.#pool = pool;
  }

  /** Samples of a range. @throws OriginFault; the signal's reason when aborted. */
  complete(
    model: Model,
    tokens: ArrayLike<number>,
    spec: CompletionSpec,
    range: SampleRange,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RemoteSamples> {
    const call = { ...name(model), inputs: completionInputs(spec, tokens, range), outputs: ["samples", "nll"] };
    const check = (answer: InferResponse) => ({
      samples: completedSamples(answer.outputs, model, spec, tokens, range),
      engine: engineOf(answer),
    });
    return this.#pool.infer(call, check, timeoutMs, signal);
  }

  /** @throws OriginFault; UserError BAD_OPTION; the signal's reason when aborted. */
  async embed(
    model: Model,
    pictures: readonly ArrayLike<number>[],
    layer: number | null | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Embedding[]> {
    const chosen = featureLayer(model, layer);
    const found: Embedding[] = [];
    for (let at = 0; at < pictures.length; at += READINGS_A_CALL) {
      const part = pictures.slice(at, at + READINGS_A_CALL);
      const call = { ...name(model), inputs: readingInputs(part), outputs: ["features"] };
      const check = ({ outputs }: InferResponse) => embeddings(outputs, model, part.length, chosen);
      found.push(...(await this.#pool.infer(call, check, timeoutMs, signal)));
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
