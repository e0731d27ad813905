/** What the pointer does on the stage. */
import { effect, signal } from "@preact/signals";
import type { Color } from "../picture/picture.ts";
import { region } from "./settings.ts";

export type Tool = "line" | "mask" | "draw";

export const tool = signal<Tool>("line");
export const brush = signal(2);
/** The mask's brush takes away instead of adding. */
export const erasing = signal(false);
export const filling = signal(false);
export const ink = signal<Color>([217, 58, 22]);

export const BRUSHES = [1, 2, 4, 6] as const;

export const INKS: readonly { name: string; color: Color }[] = [
  { name: "Black", color: [20, 20, 24] },
  { name: "Grey", color: [128, 128, 132] },
  { name: "White", color: [255, 255, 255] },
  { name: "Brown", color: [120, 74, 40] },
  { name: "Red", color: [217, 58, 22] },
  { name: "Orange", color: [250, 150, 30] },
  { name: "Yellow", color: [250, 215, 70] },
  { name: "Green", color: [60, 140, 60] },
  { name: "Sky", color: [120, 185, 235] },
  { name: "Blue", color: [40, 75, 170] },
  { name: "Sand", color: [225, 200, 160] },
  { name: "Pink", color: [240, 150, 170] },
];

// A link that brings a mask shows the mask; while one draws, what is kept stays as it is.
effect(() => {
  const now = region.value;
  if (tool.peek() !== "draw") tool.value = now;
});

export function chooseTool(next: Tool): void {
  tool.value = next;
  if (next !== "draw") region.value = next;
}
