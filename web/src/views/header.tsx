import { apiKey } from "../api/key.ts";
import { model } from "../state/settings.ts";
import { otherTheme, switchTheme } from "../state/theme.ts";
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
          {facts.testNllPerPixel !== null && (
            <span title="The mean surprise on test pictures: lower is better">
              {facts.testNllPerPixel.toFixed(2)} nats a pixel
            </span>
          )}
        </p>
      )}
      <p class="head-actions">
        <ThemeButton />
        <button type="button" onClick={() => (keyDialogOpen.value = true)}>
          {apiKey.value ? "Key & usage" : "API key"}
        </button>
      </p>
    </header>
  );
}

function ThemeButton() {
  const label = `Switch to ${otherTheme()} colours`;
  return (
    <button type="button" class="theme-button" aria-label={label} title={label} onClick={switchTheme}>
      <svg viewBox="0 0 8 8" width="16" height="16" shape-rendering="crispEdges" aria-hidden="true">
        <path d="M0 0h8v8h-8zM4 1v6h3v-6z" fill="currentColor" fill-rule="evenodd" />
      </svg>
    </button>
  );
}
