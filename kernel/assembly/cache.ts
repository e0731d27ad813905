// Key/value pages. A page holds PAGE positions of every layer and head; page i of a sequence holds positions
// [i * PAGE, (i + 1) * PAGE), wherever it lies: a row finds it by its page table. So samples share the pages of their
// prefix, and a context is laid out in one way whether it was given or generated.
//
//   page [layers][heads] of blocks; a block, h = d_head:
//     keys    u8  [h/16][PAGE/4][4][4 positions][4]   k = scale * (u - 64), 7 bits; the dots' right operand
//     values  i8  [h/16][PAGE/4][4][4][4 positions]   v = scale * i
//     keyScales, valueScales  f32 [PAGE]
//
// Four neighbours of a vector are what one int32 lane sums: dimensions for keys, positions for values.

import { heads, tableEntries, tables, rowPositions, width } from "./state";

/** Positions of a page; src/model/engines/kernel/layout.ts has the same number. */
export const PAGE: u32 = 64;

/** d_head. */
// @ts-ignore: decorator
@inline
export function headWidth(): u32 {
  return width / heads;
}

/** Bytes of a block's keys (or values). */
// @ts-ignore: decorator
@inline
export function laneBytes(): u32 {
  return PAGE * headWidth();
}

/** Bytes of one head's block. */
// @ts-ignore: decorator
@inline
export function blockBytes(): u32 {
  return PAGE * (2 * headWidth() + 8);
}

/** The block of a row's context for positions [index * PAGE, ...). */
// @ts-ignore: decorator
@inline
export function blockOf(row: u32, index: u32, layer: u32, head: u32): usize {
  const page = load<u32>(tables + <usize>((row * tableEntries + index) * 4));
  return page + <usize>(layer * heads + head) * <usize>blockBytes();
}

/** Stores the keys and values of this layer's `qkv` f32 [rows, 3d] at each row's position. */
export function remember(layer: u32, qkv: usize, rows: u32): void {
  const h = headWidth();
  for (let r: u32 = 0; r < rows; r++) {
    const position = load<u32>(rowPositions + <usize>(r * 4));
    const slot = position % PAGE;
    for (let head: u32 = 0; head < heads; head++) {
      const block = blockOf(r, position / PAGE, layer, head);
      const scales = block + <usize>(2 * laneBytes());
      // What is not written yet must weigh nothing: its scales are 0.
      if (slot == 0) memory.fill(scales, 0, <usize>(PAGE * 8));
      const k = qkv + <usize>((r * 3 * width + width + head * h) * 4);
      const v = k + <usize>(width * 4);
      store<f32>(scales + <usize>(slot * 4), writeKey(k, block, slot, h));
      store<f32>(scales + <usize>((PAGE + slot) * 4), writeValue(v, block + laneBytes(), slot, h));
    }
  }
}

/** @returns the scale */
function writeKey(k: usize, keys: usize, slot: u32, h: u32): f32 {
  const most = largest(k, h);
  const inverse: f32 = most > 0 ? <f32>63.0 / most : 0;
  const at = keys + <usize>((slot / 4) * 64 + (slot % 4) * 4);
  for (let i: u32 = 0; i < h; i++) {
    const q = <i32>nearest<f32>(load<f32>(k + <usize>(i * 4)) * inverse);
    const address = at + <usize>((i / 16) * PAGE * 16 + ((i % 16) / 4) * 16 + (i % 4));
    store<u8>(address, <u8>(q + 64));
  }
  return most / <f32>63.0;
}

/** @returns the scale */
function writeValue(v: usize, values: usize, slot: u32, h: u32): f32 {
  const most = largest(v, h);
  const inverse: f32 = most > 0 ? <f32>127.0 / most : 0;
  const at = values + <usize>((slot / 4) * 64 + (slot % 4));
  for (let i: u32 = 0; i < h; i++) {
    const q = <i32>nearest<f32>(load<f32>(v + <usize>(i * 4)) * inverse);
    store<i8>(at + <usize>((i / 16) * PAGE * 16 + (i % 16) * 4), <i8>q);
  }
  return most / <f32>127.0;
}

function largest(x: usize, count: u32): f32 {
  let most: f32 = 0;
  for (let i: u32 = 0; i < count; i++) most = max<f32>(most, abs<f32>(load<f32>(x + <usize>(i * 4))));
  return most;
}
