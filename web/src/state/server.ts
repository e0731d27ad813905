/** What the server says of itself when the page opens, and again with another key. */
import { signal } from "@preact/signals";
import { request } from "../api/client.ts";
import { MODELS } from "../api/documents.ts";
import { type ApiError, asApiError } from "../api/errors.ts";
import type { ModelFacts } from "../api/types.ts";
import { defaultModelId, models, mostSamples, samples } from "./settings.ts";

/** Why the models are not known: often that a key is needed. */
export const serverError = signal<ApiError | null>(null);

export async function loadModels(): Promise<void> {
  try {
    const answer = await request<{ models: ModelFacts[]; model: { id: string } | null }>(MODELS);
    models.value = answer.models;
    defaultModelId.value = answer.model?.id ?? null;
    samples.value = Math.min(samples.value, mostSamples.value);
    serverError.value = null;
  } catch (error) {
    serverError.value = asApiError(error);
  }
}
