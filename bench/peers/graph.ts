import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { ShapeName } from "../shapes.ts";

export type Precision = "fp32" | "int8";

/** A graph that bench/graphs/make.py wrote. */
export async function readGraph(shape: ShapeName, precision: Precision): Promise<Uint8Array> {
  return gunzipSync(await readFile(new URL(`../graphs/${shape}-${precision}.onnx.gz`, import.meta.url)));
}
