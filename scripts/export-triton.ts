/** `npm run models -- export-triton`: the models as a repository that Triton's Python backend serves as it is. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bucket } from "../bundles/bucket.ts";
import { checkBundle, type Read } from "../bundles/bundle.ts";
import { readIndex } from "../bundles/publish.ts";
import { ROOT } from "../lib/root.ts";
import { graphMetadata } from "../origin/graph/tensors.ts";
import type { Manifest } from "../src/model/bundle/manifest.ts";

/** Where it lies in a bucket: `--model-repository=s3://https://ENDPOINT/BUCKET/triton`. */
export const TRITON_PREFIX = "triton";
/**
 * What the instances run on, with what arithmetic, how many rows Triton puts into one batch at most, and how many positions
 * it reads and draws before an instance counts as ready.
 */
const DEVICES = {
  // Half a picture: the CUDA graphs of its lengths are captured.
  cuda: { kind: "KIND_GPU", precision: "bf16", maxBatch: 512, warmup: (positions: number) => positions / 2, more: {} },
  // Nothing is captured. Threads of one step wait for one another: beside other programs that costs far more than it wins.
  cpu: { kind: "KIND_CPU", precision: "fp32", maxBatch: 64, warmup: () => 16, more: { threads: "1" } },
} as const;
export type TritonDevice = keyof typeof DEVICES;
/** How long Triton waits for a batch to fill, in microseconds. */
const QUEUE_DELAY = 3_000;
/** Requests that may wait; Triton answers the next one with 503, which the Worker takes as busy. */
const QUEUE_SIZE = 1_024;
/** float32 1, as Triton reads it from a file. */
const ONE = new Uint8Array(Float32Array.of(1).buffer);

export interface TritonOptions {
  /** Default: "triton". */
  prefix?: string;
  /** This model only. */
  only?: string | undefined;
  /** Default: an instance on each GPU. */
  device?: TritonDevice;
}

/** @throws Error on another word. */
export function tritonDevice(text: string): TritonDevice {
  if (text === "cuda" || text === "cpu") return text;
  throw new Error(`--device must be cuda or cpu, not ${text}.`);
}

/**
 * Writes each model in its current version: `PREFIX/ID/VERSION/` has the bundle's weights and manifest, the engine
 * (`gpu/igpt_gpu`) and `model.py`; `PREFIX/ID/config.pbtxt` comes last: Triton takes up what has one, and serves the version
 * that it names.
 * @returns the keys written
 * @throws Error when a bundle is damaged or `only` is no model's
 */
export async function exportTriton(
  read: Read,
  target: Pick<Bucket, "put">,
  { prefix = TRITON_PREFIX, only, device = "cuda" }: TritonOptions = {},
): Promise<string[]> {
  const index = await readIndex(read);
  if (!index) throw new Error("There is no models/index.json.");
  if (only !== undefined && !index.models[only]) throw new Error(`There is no model ${only}.`);
  const code = await engineFiles();
  const written: string[] = [];
  const put = async (key: string, bytes: Uint8Array) => {
    await target.put(`${prefix}/${key}`, bytes);
    written.push(`${prefix}/${key}`);
  };
  for (const [id, { version }] of Object.entries(index.models)) {
    if (only !== undefined && id !== only) continue;
    const { manifest, objects } = await checkBundle(read, id, version);
    for (const [key, bytes] of objects) {
      const name = key.slice(key.lastIndexOf("/") + 1);
      if (!name.endsWith(".onnx")) await put(`${id}/${version}/${name}`, bytes);
    }
    for (const [name, bytes] of code) await put(`${id}/${version}/${name}`, bytes);
    await put(`${id}/warmup/top_p`, ONE);
    await put(`${id}/config.pbtxt`, new TextEncoder().encode(tritonConfig(manifest, device)));
  }
  return written;
}

/** The engine's name in answers: the same that it gives itself (gpu/igpt_gpu/engine.py). */
export const tritonEngine = (device: TritonDevice): string => `torch-${device}-${DEVICES[device].precision}`;

/** `config.pbtxt`: shapes without the batch's dimension, requests of any lengths batched as they come. */
export function tritonConfig({ id, version, architecture }: Manifest, device: TritonDevice): string {
  const { kind, precision, maxBatch, warmup, more } = DEVICES[device];
  const warmupLength = warmup(architecture.positions);
  const { inputs, outputs } = graphMetadata(architecture);
  const tensor = ({ name, datatype, shape }: TensorMetadata, more = "") =>
    `  { name: "${name}" data_type: TYPE_${datatype} dims: [ ${shape.slice(1).join(", ")} ]${more} }`;
  const input = (metadata: TensorMetadata) =>
    tensor(metadata, metadata.shape[1] === -1 ? " allow_ragged_batch: true" : "");
  const parameter = ([key, value]: [string, string]) =>
    `parameters { key: "${key}" value { string_value: "${value}" } }`;
  return `name: "${id}"
backend: "python"
max_batch_size: ${maxBatch}
input [
${inputs.map(input).join(",\n")}
]
output [
${outputs.map((metadata) => tensor(metadata)).join(",\n")}
]
version_policy { specific { versions: [ ${version} ] } }
instance_group [ { kind: ${kind} count: 1 } ]
dynamic_batching {
  max_queue_delay_microseconds: ${QUEUE_DELAY}
  default_queue_policy { max_queue_size: ${QUEUE_SIZE} }
}
${Object.entries({ engine: tritonEngine(device), precision, ...more })
  .map(parameter)
  .join("\n")}
model_warmup [
  {
    name: "${warmupLength} positions, and as many drawn"
    batch_size: 1
${inputs.map((metadata) => warmupInput(metadata, warmupLength)).join("\n")}
  }
]
`;
}

type TensorMetadata = ReturnType<typeof graphMetadata>["inputs" | "outputs"][number];

/** Zeros, but for `top_p`, which may not be 0: it comes from a file in the model's folder `warmup`. */
function warmupInput({ name, datatype, shape }: TensorMetadata, length: number): string {
  const data = name === "top_p" ? `input_data_file: "${name}"` : "zero_data: true";
  const dims = shape[1] === 1 ? 1 : length;
  return `    inputs { key: "${name}" value { data_type: TYPE_${datatype} dims: [ ${dims} ] ${data} } }`;
}

/** `model.py` and the engine's modules, by their path in a version's folder. */
async function engineFiles(): Promise<[path: string, bytes: Uint8Array][]> {
  const names = (await readdir(join(ROOT, "gpu/igpt_gpu"))).filter((name) => name.endsWith(".py")).sort();
  const files: [string, string][] = [
    ["model.py", "gpu/triton_backend/model.py"],
    ...names.map((name): [string, string] => [`igpt_gpu/${name}`, `gpu/igpt_gpu/${name}`]),
  ];
  return Promise.all(
    files.map(async ([path, source]): Promise<[string, Uint8Array]> => [path, await readFile(join(ROOT, source))]),
  );
}
