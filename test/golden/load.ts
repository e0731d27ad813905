/** Reads the golden values that `python -m igpt.golden` wrote: what PyTorch computes with the stored weights. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelShape } from "../../src/model/engine.ts";

const HERE = import.meta.dirname;

/** What one set of weights makes of one input. P given positions, R generated ones, C colours, L layers, D width. */
export interface GoldenValues {
  /** [R] the likeliest colour, each after the ones before it. */
  greedy: Int32Array;
  /** [R] by how much its logit exceeds the next one's. */
  greedyMargin: Float32Array;
  /** [R] nats. */
  greedyNll: Float32Array;
  /** [P] nats. */
  prefixNll: Float32Array;
  /** [(L + 1) * D] means over the P positions of the normed states; zeros without any. */
  features: Float32Array;
  /** [C] of the first generated position; empty when R = 0. */
  logits: Float32Array;
}

export interface GoldenCase extends GoldenValues {
  name: string;
  /** [P] palette indices. */
  given: Int32Array;
  /** The same with the float weights that were quantised; only of the shipped model. */
  float?: GoldenValues;
}

export interface Golden {
  name: GoldenName;
  shape: ModelShape;
  bias: boolean;
  weightsSha256: string;
  cases: GoldenCase[];
  /** A file of the bundle, such as `weights.safetensors` or `igpt.onnx`. */
  file(name: string): Uint8Array<ArrayBuffer>;
}

/** So many pixels of a greedy completion are compared; "last rows" has the longest contexts. */
export const GREEDY_PIXELS = 128;

/**
 * `tiny`, `biased` and `half` (fp16, for an origin alone) have random weights and are committed here; `shipped` is the
 * default model of r2-assets.
 */
export type GoldenName = "tiny" | "biased" | "half" | "large" | "shipped";

/** @throws Error when the values are not of the bundle that lies there. */
export function loadGolden(name: GoldenName): Golden {
  const content = JSON.parse(readFileSync(join(HERE, `${name}.json`), "utf8")) as Stored;
  const bytes = new Uint8Array(readFileSync(join(HERE, `${name}.bin`)));
  const floats = new Float32Array(bytes.buffer);
  const { id, version, architecture } = content.bundle;
  const folder = name === "shipped" ? join(HERE, "../../r2-assets/models", id, version) : join(HERE, name);
  const file = (part: string) => new Uint8Array(readFileSync(join(folder, part)));
  const sha256 = createHash("sha256").update(file("weights.safetensors")).digest("hex");
  if (sha256 !== content.weightsSha256) {
    throw new Error(
      `test/golden/${name}.json is of other weights than ${folder}: run igpt.golden again (training/README.md)`,
    );
  }
  const { layers, width, heads, positions, colors, bias } = architecture;
  const cases = content.cases.map((stored) => {
    const golden: GoldenCase = { name: stored.name, given: Int32Array.from(stored.given), ...values(stored, floats) };
    if (stored.float) golden.float = values(stored.float, floats);
    return golden;
  });
  const shape = { layers, width, heads, positions, colors };
  return { name, shape, bias, weightsSha256: content.weightsSha256, cases, file };
}

interface Part {
  offset: number;
  length: number;
}

interface StoredValues {
  greedy: number[];
  greedyMargin: Part;
  greedyNll: Part;
  prefixNll: Part;
  features: Part;
  logits: Part;
}

interface Stored {
  bundle: { id: string; version: string; architecture: ModelShape & { bias: boolean } };
  weightsSha256: string;
  cases: (StoredValues & { name: string; given: number[]; float?: StoredValues })[];
}

function values(stored: StoredValues, floats: Float32Array): GoldenValues {
  const part = ({ offset, length }: Part) => floats.slice(offset, offset + length);
  return {
    greedy: Int32Array.from(stored.greedy),
    greedyMargin: part(stored.greedyMargin),
    greedyNll: part(stored.greedyNll),
    prefixNll: part(stored.prefixNll),
    features: part(stored.features),
    logits: part(stored.logits),
  };
}
