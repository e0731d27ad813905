import { effect } from "@preact/signals";
import { render } from "preact";
import { request } from "./api/client.ts";
import { MODELS } from "./api/documents.ts";
import { asApiError } from "./api/errors.ts";
import { apiKey } from "./api/key.ts";
import type { ModelFacts } from "./api/types.ts";
import { forgetMeasures } from "./state/album.ts";
import { followLink } from "./state/link.ts";
import { defaultModelId, modelId, models, mostSamples, samples } from "./state/settings.ts";
import { FIRST, openShipped } from "./state/source.ts";
import { App } from "./views/app.tsx";
import "./styles/main.css";

async function loadModels(): Promise<void> {
  try {
    const answer = await request<{ models: ModelFacts[]; model: { id: string } | null }>(MODELS);
    models.value = answer.models;
    defaultModelId.value = answer.model?.id ?? null;
    samples.value = Math.min(samples.value, mostSamples.value);
  } catch (error) {
    // The page works without: a completion will say what is wrong, and a key brings another try.
    console.warn(asApiError(error).message);
  }
}

async function openFirst(): Promise<void> {
  if (!(await followLink(location.hash)) && FIRST) await openShipped(FIRST);
}

const root = document.getElementById("app");
if (root) render(<App />, root);
effect(() => {
  apiKey.value; // another key may see other models
  void loadModels();
});
effect(() => {
  modelId.value;
  forgetMeasures();
});
void openFirst();
window.addEventListener("hashchange", () => void followLink(location.hash));
