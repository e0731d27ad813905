/** Light or dark: as the system has it, until a person chooses the other. That is kept for the next visits. */
import { computed, effect, signal } from "@preact/signals";
import { readStored, writeStored } from "../stored.ts";

export type Theme = "light" | "dark";

const STORED_AS = "igpt.theme";
/** The browser's own bars take the page's colour: `--paper` in tokens.css. */
const PAPER = { light: "#f5f5f1", dark: "#131316" };

const media = matchMedia("(prefers-color-scheme: dark)");
const system = signal<Theme>(media.matches ? "dark" : "light");
media.addEventListener("change", () => (system.value = media.matches ? "dark" : "light"));

const chosen = signal<Theme | null>(readChosen());

export const theme = computed<Theme>(() => chosen.value ?? system.value);

export function otherTheme(): Theme {
  return theme.value === "dark" ? "light" : "dark";
}

/** Choosing what the system has means following it again. */
export function switchTheme(): void {
  const next = otherTheme();
  chosen.value = next === system.value ? null : next;
}

effect(() => {
  const now = chosen.value;
  writeStored("localStorage", STORED_AS, now);
  if (now) document.documentElement.dataset.theme = now;
  else delete document.documentElement.dataset.theme;
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    meta.content = PAPER[now ?? (meta.media.includes("dark") ? "dark" : "light")];
  }
});

function readChosen(): Theme | null {
  const stored = readStored("localStorage", STORED_AS);
  return stored === "light" || stored === "dark" ? stored : null;
}
