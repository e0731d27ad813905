/** `npm run models -- export-triton`: the models as a Triton model repository. */

import { graphMetadata } from "../origin/graph/tensors.ts";
import type { Manifest } from "../src/model/manifest.ts";
import type { Bucket } from "./models/bucket.ts";
import { checkBundle, type Read } from "./models/bundle.ts";
import { readIndex } from "./models/publish.ts";

/** Where it lies in a bucket: `--model-repository=s3://https://ENDPOINT/BUCKET/triton`. */
export const TRITON_PREFIX = "triton";
/** Rows of one batch; the Worker's calls have no more. */
const MAX_BATCH = 16;
/** How long Triton waits for a batch to fill, in microseconds. */
const QUEUE_DELAY = 3_000;

/**
 * Writes every version of every model: `PREFIX/ID/config.pbtxt`, `PREFIX/ID/VERSION/{model.onnx,weights.safetensors}`. A
 * model's config comes last: Triton takes up what has one.
 * @returns the keys written
 * @throws Error when a bundle is damaged, or a model's versions are of different shapes (they share one config)
 */
export async function exportTriton(read: Read, target: Pick<Bucket, "put">, prefix = TRITON_PREFIX): Promise<string[]> {
  const index = await readIndex(read);
  if (!index) throw new Error("There is no models/index.json.");
  const written: string[] = [];
  const put = async (key: string, bytes: Uint8Array) => {
    await target.put(`${prefix}/${key}`, bytes);
    written.push(`${prefix}/${key}`);
  };
  for (const [id, { versions }] of Object.entries(index.models)) {
    const configs = new Set<string>();
    for (const version of versions) {
      const { manifest, objects } = await checkBundle(read, id, version);
      const file = (name: string) => {
        const found = objects.find(([key]) => key.endsWith(`/${name}`));
        if (!found) throw new Error(`${id} version ${version} has no ${name}.`);
        return found[1];
      };
      await put(`${id}/${version}/model.onnx`, file("igpt.onnx"));
      // The graph names this file as its external data, in its own folder.
      await put(`${id}/${version}/weights.safetensors`, file("weights.safetensors"));
      configs.add(tritonConfig(manifest));
    }
    const [config, other] = configs;
    if (!config || other)
      throw new Error(`The versions of ${id} differ in shape: publish them as models of their own.`);
    await put(`${id}/config.pbtxt`, new TextEncoder().encode(config));
  }
  return written;
}

/** `config.pbtxt`: shapes without the batch's dimension, all versions served, requests batched as they come. */
export function tritonConfig({ id, architecture }: Manifest): string {
  const { inputs, outputs } = graphMetadata(architecture);
  const tensor = ({ name, datatype, shape }: { name: string; datatype: string; shape: number[] }) =>
    `  { name: "${name}" data_type: TYPE_${datatype} dims: [ ${shape.slice(1).join(", ")} ] }`;
  return `name: "${id}"
backend: "onnxruntime"
max_batch_size: ${MAX_BATCH}
input [
${inputs.map(tensor).join(",\n")}
]
output [
${outputs.map(tensor).join(",\n")}
]
version_policy: { all { } }
dynamic_batching { max_queue_delay_microseconds: ${QUEUE_DELAY} }
`;
}
