// iGPT's norm (today: RMSNorm): x * rsqrt(mean(x^2) + 1e-5) * gain; and QuickGELU.

import { exp2Exact, sumLanes } from "./vector";

/** x f32 [rows, columns] -> y. */
export function norm(x: usize, gain: usize, y: usize, rows: u32, columns: u32): void {
  for (let r: u32 = 0; r < rows; r++) {
    const from = x + <usize>(r * columns * 4);
    const to = y + <usize>(r * columns * 4);
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < <usize>columns * 4; i += 16) {
      const v = v128.load(from + i);
      squares = f32x4.add(squares, f32x4.mul(v, v));
    }
    const mean: f32 = sumLanes(squares) / <f32>columns;
    const factor = f32x4.splat(<f32>1.0 / sqrt<f32>(mean + <f32>1e-5));
    for (let i: usize = 0; i < <usize>columns * 4; i += 16) {
      v128.store(to + i, f32x4.mul(f32x4.mul(v128.load(from + i), factor), v128.load(gain + i)));
    }
  }
}

/** x * sigmoid(1.702 x) in place, over f32 [count]. */
export function quickGelu(x: usize, count: u32): void {
  const factor = f32x4.splat(-1.702 * 1.4426950408889634);
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < <usize>count * 4; i += 16) {
    const v = v128.load(x + i);
    v128.store(x + i, f32x4.div(v, f32x4.add(one, exp2Exact(f32x4.mul(v, factor)))));
  }
}
