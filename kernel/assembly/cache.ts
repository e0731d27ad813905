// Key/value pages. A page holds PAGE positions of every layer and head; page i of a sequence holds positions
// [i * PAGE, (i + 1) * PAGE), wherever it lies: a row finds it by its page table. So samples share the pages of their
// prefix, and a context is laid out in one way whether it was given or generated.
//
//   page [layers][2: keys, values] of halves, h = d_head:
//     half of keys    u8  [heads][PAGE/16][h/16][4][4][4 positions][4]   k = scale * (u - 64), 7 bits; the dots' right operand
//     half of values  i8  [heads][PAGE/32][h/16][8][4][4][4 positions]   v = scale * i
//     each then its scales, f32 [heads][PAGE]
//
// A pass over a page reads one half from end to end, which is what a processor reads ahead of: with 64x64 pictures, or base
// and several samples, the pages of a step are more than its near caches hold.
//
// Four neighbours of a vector are what one int32 lane sums: dimensions for keys, positions for values.

import { heads, tableEntries, tables, rowPositions, width } from "./state";
import { clear, maxLanes } from "./vector";

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

/** Bytes of a layer's keys of a page, or of its values, with their scales. */
// @ts-ignore: decorator
@inline
function halfBytes(): u32 {
  return heads * PAGE * (headWidth() + 4);
}

/** Where a layer's half of keys is, of a row's page of positions [index * PAGE, ...). */
// @ts-ignore: decorator
@inline
export function keysOf(row: u32, index: u32, layer: u32): usize {
  return pageOf(row, index) + <usize>(2 * layer * halfBytes());
}

/** The same of values. */
// @ts-ignore: decorator
@inline
export function valuesOf(row: u32, index: u32, layer: u32): usize {
  return keysOf(row, index, layer) + <usize>halfBytes();
}

/** A head's vectors in a half. */
// @ts-ignore: decorator
@inline
export function laneOf(half: usize, head: u32): usize {
  return half + <usize>(head * laneBytes());
}

/** A head's scales in a half. */
// @ts-ignore: decorator
@inline
export function scalesOf(half: usize, head: u32): usize {
  return half + <usize>(heads * laneBytes() + head * PAGE * 4);
}

/** The address of a row's page. */
// @ts-ignore: decorator
@inline
export function pageOf(row: u32, index: u32): usize {
  return <usize>load<u32>(tables + <usize>((row * tableEntries + index) * 4));
}

/** Stores the keys and values of this layer's `qkv` f32 [rows, 3d] at each row's position. */
export function remember(layer: u32, qkv: usize, rows: u32): void {
  const h = headWidth();
  for (let r: u32 = 0; r < rows; r++) {
    const position = load<u32>(rowPositions + <usize>(r * 4));
    const slot = position % PAGE;
    const keys = keysOf(r, position / PAGE, layer);
    const values = valuesOf(r, position / PAGE, layer);
    // What is not written yet must weigh nothing: its scales are 0.
    if (slot == 0) {
      clear(scalesOf(keys, 0), <usize>(heads * PAGE * 4));
      clear(scalesOf(values, 0), <usize>(heads * PAGE * 4));
    }
    for (let head: u32 = 0; head < heads; head++) {
      const k = qkv + <usize>((r * 3 * width + width + head * h) * 4);
      const v = k + <usize>(width * 4);
      writeKey(k, laneOf(keys, head), slot, h, inverseScale(k, h, 63, scalesOf(keys, head) + <usize>(slot * 4)));
      writeValue(v, laneOf(values, head), slot, h, inverseScale(v, h, 127, scalesOf(values, head) + <usize>(slot * 4)));
    }
  }
}

/** The scale by which the largest of x f32 [h] becomes `levels`, stored at `at`. @returns one by it */
// @ts-ignore: decorator
@inline
function inverseScale(x: usize, h: u32, levels: f32, at: usize): v128 {
  let most = f32x4.abs(v128.load(x));
  for (let i: u32 = 4; i < h; i += 4) most = f32x4.pmax(most, f32x4.abs(v128.load(x + <usize>(i * 4))));
  const largest = maxLanes(most);
  store<f32>(at, largest / levels);
  return f32x4.splat(largest > 0 ? levels / largest : 0);
}

function writeKey(k: usize, keys: usize, slot: u32, h: u32, inverse: v128): void {
  const offset = i8x16.splat(64);
  let at = keys + <usize>((slot / 16) * 16 * h + ((slot / 4) % 4) * 64 + (slot % 4) * 4);
  for (let i: usize = 0; i < <usize>(h * 4); i += 64) {
    const q = i8x16.add(sixteen(k + i, inverse), offset);
    v128.store32_lane(at, q, 0, 0);
    v128.store32_lane(at, q, 1, 16);
    v128.store32_lane(at, q, 2, 32);
    v128.store32_lane(at, q, 3, 48);
    at += 256;
  }
}

function writeValue(v: usize, values: usize, slot: u32, h: u32, inverse: v128): void {
  let at = values + <usize>((slot / 32) * 32 * h + ((slot / 4) % 8) * 64 + (slot % 4));
  for (let i: usize = 0; i < <usize>(h * 4); i += 64) {
    const q = sixteen(v + i, inverse);
    v128.store8_lane(at, q, 0, 0);
    v128.store8_lane(at, q, 1, 4);
    v128.store8_lane(at, q, 2, 8);
    v128.store8_lane(at, q, 3, 12);
    v128.store8_lane(at, q, 4, 16);
    v128.store8_lane(at, q, 5, 20);
    v128.store8_lane(at, q, 6, 24);
    v128.store8_lane(at, q, 7, 28);
    v128.store8_lane(at, q, 8, 32);
    v128.store8_lane(at, q, 9, 36);
    v128.store8_lane(at, q, 10, 40);
    v128.store8_lane(at, q, 11, 44);
    v128.store8_lane(at, q, 12, 48);
    v128.store8_lane(at, q, 13, 52);
    v128.store8_lane(at, q, 14, 56);
    v128.store8_lane(at, q, 15, 60);
    at += 512;
  }
}

/** 16 numbers times `inverse` as int8. */
// @ts-ignore: decorator
@inline
function sixteen(x: usize, inverse: v128): v128 {
  const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x, 0), inverse)));
  const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x, 16), inverse)));
  const c = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x, 32), inverse)));
  const d = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x, 48), inverse)));
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}
