/**
 * The tensors of `igpt.onnx`, in its order and batch first; docs/tensors.md says what each of them holds. B samples, P given colours,
 * R positions to generate, L layers, D the model's width.
 */
import { fp32, int64, type Tensor } from "../protocol/index.ts";

type Dimension = "B" | "P" | "R" | "L + 1" | "D" | 1;
/** How long each dimension is. */
export type Sizes = Record<Exclude<Dimension, 1>, number>;
interface Description {
  datatype: Tensor["datatype"];
  shape: readonly Dimension[];
}
export type Interface<Name extends string> = Record<Name, Description>;

export const INPUTS = {
  tokens: { datatype: "INT64", shape: ["B", "P"] },
  forced: { datatype: "INT64", shape: ["B", "R"] },
  uniforms: { datatype: "FP32", shape: ["B", "R"] },
  temperature: { datatype: "FP32", shape: ["B", 1] },
  top_k: { datatype: "INT64", shape: ["B", 1] },
  top_p: { datatype: "FP32", shape: ["B", 1] },
} as const satisfies Interface<string>;

/**
 * An extension of the server's, named in its metadata, and what it adds to the inputs. `forced` then goes on to the last given
 * pixel that candidates are weighed by, and each row comes back as one sample, chosen from its candidates.
 */
export const CANDIDATES = "igpt_candidates";

export const CANDIDATE_INPUTS = {
  candidates: { datatype: "INT64", shape: ["B", 1] },
  seed: { datatype: "INT64", shape: ["B", 1] },
  sample: { datatype: "INT64", shape: ["B", 1] },
} as const satisfies Interface<string>;

export const OUTPUTS = {
  samples: { datatype: "INT64", shape: ["B", "R"] },
  nll: { datatype: "FP32", shape: ["B", "R"] },
  prefix_nll: { datatype: "FP32", shape: ["B", "P"] },
  features: { datatype: "FP32", shape: ["B", "L + 1", "D"] },
} as const satisfies Interface<string>;

export type InputName = keyof typeof INPUTS;
export type CandidateInputName = keyof typeof CANDIDATE_INPUTS;
export type OutputName = keyof typeof OUTPUTS;

/** A tensor's shape in numbers. */
export function shapeOf({ shape }: Description, sizes: Partial<Sizes>): number[] {
  return shape.map((dimension) => {
    const size = dimension === 1 ? 1 : sizes[dimension];
    if (size === undefined) throw new RangeError(`how long is ${dimension}?`);
    return size;
  });
}

/** All tensors of a table, in its order. @param values row-major */
export function tensorsOf<Name extends string>(
  tensors: Interface<Name>,
  sizes: Partial<Sizes>,
  values: Record<Name, ArrayLike<number>>,
): Tensor[] {
  return entriesOf(tensors).map(([name, description]) => {
    const shape = shapeOf(description, sizes);
    const own = values[name];
    if (description.datatype === "INT64") return int64(name, shape, own);
    return fp32(name, shape, own instanceof Float32Array ? own : Float32Array.from(own));
  });
}

export function entriesOf<Name extends string>(tensors: Interface<Name>): [Name, Description][] {
  return Object.entries(tensors) as [Name, Description][];
}
