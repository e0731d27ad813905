import { signal } from "@preact/signals";

/** The tabs below the studio. */
export type PanelId = "sure" | "alike" | "job" | "code";

export const panel = signal<PanelId>("sure");

/** Shows a panel and brings it into view. */
export function openPanel(id: PanelId): void {
  panel.value = id;
  requestAnimationFrame(() => document.getElementById("panels")?.scrollIntoView({ block: "nearest" }));
}
