import type { ModelShape } from "./engine.ts";

/** Multiply-adds with weights of one position: 12 d^2 a layer for the linear layers, and d times the colours for the logits. */
export function weightProducts({ layers, width, colors }: Pick<ModelShape, "layers" | "width" | "colors">): number {
  return layers * 12 * width ** 2 + width * colors;
}
