// The machine's limits that the kernel is held against, in the same WebAssembly: what `npm run bench` prints.

import { addDot, chooseDot, fused, Fused, Split } from "./dot";
import { writeConstants } from "./vector";

writeConstants();
chooseDot();

/** Reads `bytes` (a multiple of 256) at `from`, `times` over. @returns something of it all, so that nothing is dropped */
export function stream(from: usize, bytes: usize, times: u32): i32 {
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let n: u32 = 0; n < times; n++) {
    for (let p = from; p < from + bytes; p += 256) {
      a = v128.xor(a, v128.load(p, 0));
      b = v128.xor(b, v128.load(p, 16));
      c = v128.xor(c, v128.load(p, 32));
      d = v128.xor(d, v128.load(p, 48));
      a = v128.xor(a, v128.load(p, 64));
      b = v128.xor(b, v128.load(p, 80));
      c = v128.xor(c, v128.load(p, 96));
      d = v128.xor(d, v128.load(p, 112));
      a = v128.xor(a, v128.load(p, 128));
      b = v128.xor(b, v128.load(p, 144));
      c = v128.xor(c, v128.load(p, 160));
      d = v128.xor(d, v128.load(p, 176));
      a = v128.xor(a, v128.load(p, 192));
      b = v128.xor(b, v128.load(p, 208));
      c = v128.xor(c, v128.load(p, 224));
      d = v128.xor(d, v128.load(p, 240));
    }
  }
  return i32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}

/**
 * `times` x 12 dots of 16 products in registers: 384 x `times` operations. Twelve sums, since each waits for itself; each is its
 * own left operand, so that no product is the same twice.
 */
export function dots(from: usize, times: u32): i32 {
  return fused ? dotsBy<Fused>(from, times) : dotsBy<Split>(from, times);
}

function dotsBy<Way>(from: usize, times: u32): i32 {
  const y = v128.load(from, 16);
  let a = v128.load(from, 32);
  let b = v128.load(from, 48);
  let c = v128.load(from, 64);
  let d = v128.load(from, 80);
  let e = v128.load(from, 96);
  let f = v128.load(from, 112);
  let g = v128.load(from, 128);
  let h = v128.load(from, 144);
  let i = v128.load(from, 160);
  let j = v128.load(from, 176);
  let k = v128.load(from, 192);
  let l = v128.load(from, 208);
  for (let n: u32 = 0; n < times; n++) {
    a = addDot<Way>(a, a, y);
    b = addDot<Way>(b, b, y);
    c = addDot<Way>(c, c, y);
    d = addDot<Way>(d, d, y);
    e = addDot<Way>(e, e, y);
    f = addDot<Way>(f, f, y);
    g = addDot<Way>(g, g, y);
    h = addDot<Way>(h, h, y);
    i = addDot<Way>(i, i, y);
    j = addDot<Way>(j, j, y);
    k = addDot<Way>(k, k, y);
    l = addDot<Way>(l, l, y);
  }
  const sum = i32x4.add(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), i32x4.add(i32x4.add(e, f), i32x4.add(g, h)));
  return i32x4.extract_lane(i32x4.add(sum, i32x4.add(i32x4.add(i, j), i32x4.add(k, l))), 0);
}
