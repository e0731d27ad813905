/** The request that the button sends, to paste elsewhere. */
import { useSignal } from "@preact/signals";
import { ENDPOINT } from "../api/client.ts";
import { apiKey } from "../api/key.ts";
import { type Language, snippet } from "../api/snippets.ts";
import { run } from "../state/run.ts";
import { seed } from "../state/settings.ts";
import { completeVariables } from "../state/variables.ts";
import { CopyButton } from "./copy.tsx";

const LANGUAGES: readonly { language: Language; label: string }[] = [
  { language: "curl", label: "curl" },
  { language: "typescript", label: "TypeScript" },
];

export function CodePanel() {
  const language = useSignal<Language>("curl");
  const live = useSignal(true);
  const text = snippet(language.value, {
    address: new URL(ENDPOINT, location.href).href,
    variables: completeVariables(seed.value ?? run.value?.seed ?? null),
    live: live.value,
    withKey: apiKey.value !== "",
  });
  return (
    <div class="code">
      <div class="panel-actions">
        <fieldset class="switch">
          <legend class="unseen">Language</legend>
          {LANGUAGES.map(({ language: name, label }) => (
            <label key={name}>
              <input
                type="radio"
                name="language"
                checked={language.value === name}
                onChange={() => (language.value = name)}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        <label class="check">
          <input
            type="checkbox"
            checked={live.value}
            onChange={({ currentTarget }) => (live.value = currentTarget.checked)}
          />
          <span>Row by row</span>
        </label>
        <CopyButton label="Copy" primary text={() => text} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section class="source" tabIndex={0} aria-label="The request">
        <pre>
          <code>{text}</code>
        </pre>
      </section>
      <p class="hint">
        {live.value
          ? "The server sends an event for each row, with its pictures as data: URIs. This page sends the same request."
          : "The server answers once, with a URL for each sample."}
      </p>
      {apiKey.value && <p class="hint">The code does not contain your key: set it as IGPT_KEY.</p>}
    </div>
  );
}
