// The kernel's entry points. The host (src/model/engines/kernel/) owns the memory, sets the globals of state.ts, and
// fills `inputs`, `rowPositions`, `tables` and what each call names.

import { chooseDot, fused, Fused, Split } from "./dot";
import { forward, packWeights, read } from "./forward";
import { draw, negativeLogLikelihood } from "./sample";
import { colors, forced, inputs, logits, nll, rowPositions, targets, uniforms } from "./state";
import { writeConstants } from "./vector";

export * from "./state";

/** Once the globals are set. */
export function setup(): void {
  writeConstants();
  chooseDot();
}

/** Once the weights are in memory. */
export function prepare(): void {
  packWeights();
}

/**
 * Runs given colours through `depth` blocks: `rows` positions of one sequence; adds to `features` of the layers up to there. With
 * `score` (and all blocks), `targets` i32 [rows] -> `nll` f32 [rows].
 */
export function prefill(rows: u32, depth: u32, score: bool): void {
  if (fused) read<Fused>(rows, depth, score);
  else read<Split>(rows, depth, score);
  if (!score) return;
  for (let r: u32 = 0; r < rows; r++) {
    const color = load<u32>(targets + <usize>(r * 4));
    store<f32>(nll + <usize>(r * 4), negativeLogLikelihood(logitsOf(r), color));
  }
}

/**
 * Runs `steps` positions of `rows` samples. `forced` i32 and `uniforms` f32 [rows, steps] -> `targets` i32 and `nll` f32
 * [rows, steps]. Leaves the last colours in `inputs` and the next positions in `rowPositions`.
 */
export function generate(rows: u32, steps: u32, temperature: f32, topK: u32, topP: f32): void {
  for (let s: u32 = 0; s < steps; s++) {
    if (fused) forward<Fused>(rows);
    else forward<Split>(rows);
    for (let r: u32 = 0; r < rows; r++) {
      const at = <usize>((r * steps + s) * 4);
      let color = load<i32>(forced + at);
      if (color < 0) color = <i32>draw(logitsOf(r), temperature, topK, topP, load<f32>(uniforms + at));
      store<i32>(targets + at, color);
      store<f32>(nll + at, negativeLogLikelihood(logitsOf(r), color));
      store<i32>(inputs + <usize>(r * 4), color);
      const position = rowPositions + <usize>(r * 4);
      store<u32>(position, load<u32>(position) + 1);
    }
  }
}

function logitsOf(row: u32): usize {
  return logits + <usize>(row * colors * 4);
}
