/** What `export-triton` writes, read with Triton's own schema of model configurations. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exportTriton } from "../../scripts/export-triton.ts";
import { ROOT } from "../../scripts/lib/root.ts";
import { openFolder } from "../../scripts/models/folder.ts";
import { SHIPPED } from "../shipped.ts";
import { peersPython, report } from "./python.ts";

interface TensorConfig {
  name: string;
  data_type: string;
  dims: string[];
}

interface Config {
  name: string;
  backend: string;
  max_batch_size: number;
  input: TensorConfig[];
  output: TensorConfig[];
  version_policy: unknown;
  dynamic_batching: unknown;
}

let python = "";
let folder = "";
beforeAll(async () => {
  python = peersPython();
  folder = await mkdtemp(join(tmpdir(), "igpt-triton-"));
  const bundles = join(folder, "bundles");
  await cp(join(ROOT, "r2-assets"), bundles, { recursive: true });
  await cp(join(ROOT, "test/golden/half"), join(bundles, "models/half/1"), { recursive: true });
  const source = openFolder(bundles);
  const index = JSON.parse(String(await source.get("models/index.json"))) as { models: Record<string, unknown> };
  index.models.half = { version: "1", versions: ["1"] };
  await source.put("models/index.json", Buffer.from(JSON.stringify(index)));
  await exportTriton((key) => source.get(key), openFolder(folder), "repository");
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  [SHIPPED.id, SHIPPED.version],
  ["half", "1"],
])("%s: Triton's schema knows all of it, and its tensors are the graph's", async (id, version) => {
  const place = join(folder, "repository", id);
  const config = await report<Config>(python, "triton_config.py", join(place, "config.pbtxt"));
  expect(config).toMatchObject({
    ...{ name: id, backend: "onnxruntime", max_batch_size: 16 },
    ...{ version_policy: { all: {} }, dynamic_batching: { max_queue_delay_microseconds: "3000" } },
  });
  const session = await InferenceSession.create(join(place, `${version}/model.onnx`));
  for (const [tensors, metadata] of [
    [config.input, session.inputMetadata],
    [config.output, session.outputMetadata],
  ] as const) {
    // Triton wants the dimensions without the batch's, which is the first of each.
    const graph = metadata.map((value) => {
      if (!value.isTensor) throw new Error(`${value.name} is no tensor`);
      const dims = value.shape.slice(1).map((dim) => (typeof dim === "number" ? String(dim) : "-1"));
      return {
        name: value.name,
        data_type: { int64: "TYPE_INT64", float32: "TYPE_FP32" }[value.type as string],
        dims,
      };
    });
    expect(tensors).toEqual(graph);
  }
  await session.release();
});
