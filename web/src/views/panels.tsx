import type { ComponentType } from "preact";
import { type PanelId, panel } from "../state/panel.ts";
import { AlikePanel } from "./alike.tsx";
import { CodePanel } from "./code.tsx";
import { JobPanel } from "./job.tsx";
import { SurePanel } from "./sure.tsx";

const PANELS: readonly { id: PanelId; label: string; view: ComponentType }[] = [
  { id: "sure", label: "How sure was it?", view: SurePanel },
  { id: "alike", label: "What is it like?", view: AlikePanel },
  { id: "job", label: "Large job", view: JobPanel },
  { id: "code", label: "As code", view: CodePanel },
];

/** Tabs: arrow keys move between them, as the ARIA pattern has it. */
export function Panels() {
  const current = PANELS.find(({ id }) => id === panel.value) ?? PANELS[0];
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !current) return;
    const next = PANELS[(PANELS.indexOf(current) + step + PANELS.length) % PANELS.length];
    if (!next) return;
    panel.value = next.id;
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  if (!current) return null;
  const View = current.view;
  return (
    <section class="panels" id="panels" aria-label="More about the pictures">
      <div role="tablist" aria-label="Panels" onKeyDown={onKeyDown}>
        {PANELS.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === current.id}
            aria-controls="panel"
            tabIndex={id === current.id ? 0 : -1}
            onClick={() => (panel.value = id)}
          >
            {label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${current.id}`} key={current.id}>
        <View />
      </div>
    </section>
  );
}
