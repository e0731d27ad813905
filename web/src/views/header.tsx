import { apiKey } from "../api/key.ts";
import { model } from "../state/settings.ts";
import { keyDialogOpen } from "../state/viewer.ts";
import { Wordmark } from "./wordmark.tsx";

const MILLION = 1e6;

export function Header() {
  const facts = model.value;
  return (
    <header class="head">
      <h1>
        <Wordmark />
        <span class="unseen">iGPT-edge playground</span>
      </h1>
      <p class="tagline">Give it part of a picture. It draws the rest.</p>
      {facts && (
        <p class="facts">
          <span>{facts.id}</span>
          <span>{(facts.parameters / MILLION).toFixed(1)} M weights</span>
          {facts.testNllPerPixel !== null && <span>{facts.testNllPerPixel.toFixed(2)} nats a pixel</span>}
        </p>
      )}
      <button type="button" class="key-button" onClick={() => (keyDialogOpen.value = true)}>
        {apiKey.value ? "Key & usage" : "API key"}
      </button>
    </header>
  );
}
