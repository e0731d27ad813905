import { useSignal } from "@preact/signals";

/** Long enough to be read. */
const SHOWN_FOR_MS = 2000;

/** Puts a text on the clipboard; where the browser bars it, shows the text to be copied by hand. */
export function CopyButton({ label, text, primary = false }: { label: string; text: () => string; primary?: boolean }) {
  const state = useSignal<"idle" | "copied" | "barred">("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      state.value = "copied";
    } catch {
      state.value = "barred";
    }
    setTimeout(() => (state.value = "idle"), state.value === "barred" ? 30_000 : SHOWN_FOR_MS);
  };
  return (
    <>
      <button type="button" class={primary ? "primary" : ""} onClick={() => void copy()}>
        {state.value === "copied" ? "Copied" : label}
      </button>
      {state.value === "barred" && (
        <input
          class="by-hand"
          readonly
          aria-label={`${label}: copy this text`}
          value={text()}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
      )}
    </>
  );
}
