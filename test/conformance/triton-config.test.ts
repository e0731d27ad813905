/** What `export-triton` writes, read with Triton's own schema of model configurations. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { ASSETS, ROOT } from "../../lib/root.ts";
import { exportTriton } from "../../scripts/export-triton.ts";
import { SHIPPED } from "../shipped.ts";
import { peersPython, report } from "./python.ts";

interface TensorConfig {
  name: string;
  data_type: string;
  dims: string[];
}

interface Config {
  name: string;
  input: TensorConfig[];
  output: TensorConfig[];
}

let python = "";
let folder = "";
beforeAll(async () => {
  python = peersPython();
  folder = await mkdtemp(join(tmpdir(), "igpt-triton-"));
  await exportTriton((key) => openFolder(ASSETS).get(key), openFolder(folder));
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it("Triton's schema knows all of it, and its tensors are the graph's", async () => {
  const config = await report<Config>(python, "triton_config.py", join(folder, "triton", SHIPPED.id, "config.pbtxt"));
  expect(config).toMatchObject({
    ...{ name: SHIPPED.id, backend: "python", max_batch_size: 512 },
    ...{
      version_policy: { specific: { versions: [SHIPPED.version] } },
      instance_group: [{ kind: "KIND_GPU", count: 1 }],
    },
    dynamic_batching: { max_queue_delay_microseconds: "3000", default_queue_policy: { max_queue_size: 1024 } },
    model_warmup: [{ batch_size: 1 }],
  });
  const graph = join(ROOT, "r2-assets/models", SHIPPED.id, SHIPPED.version, "igpt.onnx");
  const session = await InferenceSession.create(graph);
  for (const [tensors, metadata] of [
    [config.input, session.inputMetadata],
    [config.output, session.outputMetadata],
  ] as const) {
    // Triton wants the dimensions without the batch's, which is the first of each.
    const wanted = metadata.map((value) => {
      if (!value.isTensor) throw new Error(`${value.name} is no tensor`);
      const dims = value.shape.slice(1).map((dim) => (typeof dim === "number" ? String(dim) : "-1"));
      return {
        name: value.name,
        data_type: { int64: "TYPE_INT64", float32: "TYPE_FP32" }[value.type as string],
        dims,
      };
    });
    expect(tensors.map(({ name, data_type, dims }) => ({ name, data_type, dims }))).toEqual(wanted);
  }
  await session.release();
});
